"""How the changes that build a lab are made, and what undoes each: `engine.apply.steps`'s part for building.

Namespaces and links carry the lab's mark, which is looked for before anything of theirs is removed. A namespace that
is removed on purpose does not come back: what was in it is not kept, so that such a step has no inverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.apply.errors import BuildError, LabExists
from engine.apply.inverse import DropLink, DropNetns, Inverse, RunCommand
from engine.apply.step import ApplyStep, Site, step_in
from engine.change.link import DeleteLink
from engine.change.namespace import CreateBridge, CreateNetns, CreateVeth, DeleteNetns
from engine.change.namespace_file import NETNS_FILES, WriteNetnsFile
from engine.change.program import Shape
from engine.change.ruleset import LoadRules
from engine.model.firewall import Backend
from engine.model.where import NETNS_DIR
from engine.programs import python
from engine.records import replace

#: What the kernel says of a queueing discipline that it does not have (net/sched/sch_api.c).
NO_SUCH_QDISC = "qdisc kind is unknown"


def _write_netns_file(change: WriteNetnsFile, site: Site) -> ApplyStep:
    """It goes with its namespace, which has to be the lab's."""

    def act() -> None:
        if not site.hands.write_netns_file(change.netns, change.name, change.text, site.mark):
            raise BuildError(f"{NETNS_FILES}/{change.netns} is there already, and is not this lab's")

    return ApplyStep(act)


def _create_netns(change: CreateNetns, site: Site) -> ApplyStep:
    if site.where.path(change.name) != f"{NETNS_DIR}/{change.name}":
        raise BuildError(f"namespaces can be made only in {NETNS_DIR}")
    taken = LabExists(f"a namespace {change.name} is there already, and is not this lab's")
    if site.hands.has_netns(change.name):
        raise taken

    def act() -> None:
        try:
            site.hands.create_netns(change.name, site.mark)
        except FileExistsError:
            raise taken from None

    return ApplyStep(act, DropNetns(change.name))


def _create_bridge(change: CreateBridge, site: Site) -> ApplyStep:
    path = site.where.path(change.netns)
    act = lambda: site.hands.create_bridge(path, change.name, site.mark, change.mtu, up=change.up)  # noqa: E731 - the act of a step
    return step_in(site, change.netns, lambda: DropLink(path, change.name), act)


def _create_veth(change: CreateVeth, site: Site) -> ApplyStep:
    """An end in a foreign namespace is removed by name: the kernel takes it away only some time after its peer."""
    ends = ((site.where.path(change.netns), change.name), (site.where.path(change.peer_netns), change.peer_name))
    foreign = [end for end, netns in zip(ends, (change.netns, change.peer_netns), strict=True) if netns not in site.own]
    marks = (
        None if change.netns in site.own else site.mark,
        None if change.peer_netns in site.own else site.mark,
    )

    def act() -> None:
        site.hands.create_veth(ends, marks, change.master, change.mtu, up=change.up)

    return ApplyStep(act, DropLink(*foreign[0]) if foreign else None)


def _delete_netns(change: DeleteNetns, site: Site) -> ApplyStep:
    def act() -> None:
        if not site.hands.remove_netns(change.name, site.mark):
            raise BuildError(f"namespace {change.name} does not carry the lab's mark: left as it is")

    return ApplyStep(act)


def _delete_link(change: DeleteLink, site: Site) -> ApplyStep:
    def act() -> None:
        if not site.hands.remove_link(site.where.path(change.netns), change.name, site.mark):
            raise BuildError(f"link {change.name} of {change.netns} does not carry the lab's mark: left as it is")

    return ApplyStep(act)


def _load_rules(change: LoadRules, site: Site) -> ApplyStep:
    """What tables said before is loaded again by the inverse, in a namespace that was there before."""
    path = site.where.path(change.netns)
    argv = change.loader

    def inverse() -> Inverse:
        if not change.replace:
            raise BuildError(f"rules are loaded only into namespaces of the lab, and {change.netns} is not one")
        if change.backend is Backend.NFT:
            there = site.hands.run(path, ("nft", "list", "ruleset"))
            old = "".join(
                part
                for part in there.split("\n\n")
                if part.startswith(tuple(f"table {name} " for name in change.tables))
            )
            return RunCommand(path, ("nft", "-f", "-"), change.emptied + old)
        return RunCommand(path, argv, site.hands.run(path, change.saver))

    def act() -> None:
        if change.backend is Backend.XT_LEGACY and change.replace:
            said = site.hands.run(path, python("-m", "engine.apply.legacy", change.family), change.text)
            if not said:
                return
            site.notes.append(f"{said}: the rules of {change.netns} are written by {argv[0]}")
        site.hands.run(path, argv, change.load_text)

    return step_in(site, change.netns, inverse, act)


def _shape(change: Shape, site: Site) -> ApplyStep:
    """Where the kernel has no netem, delay and loss are left out."""
    path = site.where.path(change.netns)
    qdisc = ("tc", "qdisc", "replace", "dev", change.link, "root")
    back = RunCommand(path, ("tc", "qdisc", "del", "dev", change.link, "root"))

    def act() -> None:
        try:
            site.hands.run(path, (*qdisc, *change.qdisc))
        except BuildError as error:
            if not (change.delay or change.loss) or NO_SUCH_QDISC not in str(error):
                raise
            site.notes.append(f"this kernel has no netem: delay and loss of {change.netns} {change.link} are left out")
            if change.rate:
                site.hands.run(path, (*qdisc, *replace(change, delay=0.0, loss=0.0).qdisc))

    return step_in(site, change.netns, lambda: back, act)


BUILDING: Mapping[type[Any], Callable[[Any, Site], ApplyStep]] = {
    CreateNetns: _create_netns,
    CreateBridge: _create_bridge,
    CreateVeth: _create_veth,
    DeleteNetns: _delete_netns,
    DeleteLink: _delete_link,
    LoadRules: _load_rules,
    Shape: _shape,
    WriteNetnsFile: _write_netns_file,
}
