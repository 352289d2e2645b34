"""Several hosts, joined: one snapshot with the namespaces of all, and the joins between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from engine.model.host import Snapshot
from engine.records import replace
from engine.several.edge.described_host import snapshot_of
from engine.several.edge.groups import Groups
from engine.several.edge.learned import with_known_macs
from engine.several.edge.named_ends import missing
from engine.several.edge.nouns import EdgeFile
from engine.several.evidence import Matching
from engine.several.naming import Given, named, unpacked
from engine.several.outlets import outlets
from engine.several.qualifying import machine_of, qualified

#: What is said of hosts' surroundings where there is no edge file.
NO_EDGE = EdgeFile()


def joined(hosts: Sequence[Given], edge: EdgeFile = NO_EDGE) -> Snapshot:
    """One snapshot of all hosts, and of those that an edge file describes; questions without a host's name are about
    the first. Raises `HostsError`."""
    described = (
        Given(snapshot_of(each, edge.name), f"{edge.name}:{each.line}", each.name, described=True)
        for each in edge.described
    )
    called = named([*unpacked(hosts), *described])
    machines = tuple(machine_of(given, name) for name, given in called)
    parts = [qualified(given.snapshot, each) for (_, given), each in zip(called, machines, strict=True)]
    first = parts[0]
    whole = replace(
        first,
        namespaces=tuple(chain.from_iterable(each.namespaces for each in parts)),
        containers=tuple(chain.from_iterable(each.containers for each in parts)),
        networks=tuple(chain.from_iterable(each.networks for each in parts)),
        name_configs=tuple(chain.from_iterable(each.name_configs for each in parts)),
        resolvers=tuple(chain.from_iterable(each.resolvers for each in parts)),
        proxies=tuple(chain.from_iterable(each.proxies for each in parts)),
        name_answers=tuple(chain.from_iterable(each.name_answers for each in parts)),
        gaps=tuple(chain.from_iterable(each.gaps for each in parts)),
        machines=machines,
        joins=(),
    )
    if edge is not NO_EDGE:
        whole = replace(whole, gaps=(*whole.gaps, *missing(edge, whole)))
        whole = Groups(with_known_macs(whole, edge), edge, outlets(whole)).applied()
    return replace(whole, joins=tuple(Matching(outlets(whole), whole, edge).joins()))
