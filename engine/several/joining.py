"""Several hosts, joined: one snapshot with the namespaces of all, and the joins between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from engine.model.host import Snapshot
from engine.records import replace
from engine.several.evidence import Matching
from engine.several.naming import Given, named, unpacked
from engine.several.outlets import outlets
from engine.several.qualifying import machine_of, qualified


def joined(hosts: Sequence[Given]) -> Snapshot:
    """One snapshot of all hosts; questions without a host's name are about the first. Raises `HostsError`."""
    called = named(unpacked(hosts))
    machines = tuple(machine_of(given.snapshot, name, given.source) for name, given in called)
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
    return replace(whole, joins=tuple(Matching(outlets(whole)).joins()))
