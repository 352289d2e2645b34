"""A recorded host with other rules than it had."""

from __future__ import annotations

from pathlib import Path

from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.observe.firewall.xt.save_text import parse_xt_save
from engine.observe.recording.snapshot_file import open_file
from engine.records import replace

SHOP = Path(__file__).parents[1] / "hosts" / "shop.json.gz"


def behind_rules(saved: str, backend: Backend) -> Snapshot:
    """The shop of the gallery, whose host has the filter table of an iptables-save."""
    shop = open_file(SHOP)
    tables = parse_xt_save(saved, backend=backend, family="ip")
    host = shop.host_netns
    others = tuple(table for table in host.firewall.tables if table.name != "filter")
    return shop.with_netns(replace(host, firewall=replace(host.firewall, tables=(*others, *tables))))
