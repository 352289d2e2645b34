"""What the tables of an attempt are on the host: an instrument, which is no part of it."""

import os
from dataclasses import replace

from engine.model.firewall import Backend, Table
from engine.model.host import Snapshot
from engine.prove.sources.nftrace_rules import PREFIX, unmarked
from tests.views.hosts import docker_host


def with_table(name: str) -> Snapshot:
    host = docker_host()
    firewall = host.host_netns.firewall
    marked = replace(
        host.host_netns, firewall=replace(firewall, tables=(*firewall.tables, Table(Backend.NFT, "ip", name)))
    )
    return replace(host, namespaces=tuple(marked if one.id == marked.id else one for one in host.namespaces))


def test_tables_of_this_process_are_left_out_and_no_others() -> None:
    assert unmarked(with_table(f"{PREFIX}{os.getpid()}-ab12")) == docker_host()
    stranger = with_table(f"{PREFIX}{os.getpid()}0-ab12")
    assert unmarked(stranger) is stranger
