"""Blockers of an address that two devices answer for: which of them is heard first is chance, and it is remembered."""

from __future__ import annotations

from ipaddress import ip_address

from engine.change.address import DeleteAddress
from engine.change.neighbour import DeleteNeighbour
from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Address
from engine.model.plan import Change
from engine.model.ref import Ref, RefKind

#: The assumption that the walk makes where several stations answer.
SEVERAL = "ASSUME_DUPLICATE_ADDRESS"


def duplicates(failure: Failure) -> list[Blocker]:
    """The packet came to the wrong one of several holders of an address: theirs goes that no engine gave it to."""
    asked = next((a.ref for a in failure.conversation.assumptions if a.code == SEVERAL and a.ref), None)
    if asked is not None:
        return _wrong_holders(failure, ip_address(str(asked.key[1])), ())
    return _remembered(failure)


def _remembered(failure: Failure) -> list[Blocker]:
    """One of several was heard before: who sends has an entry, which has to be forgotten, too."""
    for step in failure.trace.steps:
        if step.ref is None or step.ref.kind is not RefKind.NEIGHBOUR or step.ref.netns == failure.netns.id:
            continue
        sender = failure.world.netns(step.ref.netns)
        index, towards = int(step.ref.key[0]), ip_address(str(step.ref.key[1]))
        link = sender.links_by_index[index]
        entry = next((n for n in sender.neighbours if (n.link, n.address) == (index, towards) and n.mac), None)
        if entry is None or towards not in failure.netns.addresses_by_value:
            continue
        stations = {station.netns for station in failure.world.segment(sender, link).stations}
        if sum(towards in failure.world.netns(each).addresses_by_value for each in stations) > 1:
            return _wrong_holders(failure, towards, (DeleteNeighbour(sender.id, link.name, towards),))
    return []


def _wrong_holders(failure: Failure, asked: IPAddress, forget: tuple[Change, ...]) -> list[Blocker]:
    holders = list(_holders(failure, asked))
    strangers = [(netns, address) for netns, address in holders if not _given(failure, netns, asked)]
    wrong = strangers if 0 < len(strangers) < len(holders) else [h for h in holders if h[0].id == failure.netns.id]
    found = []
    for netns, address in wrong:
        link = netns.links_by_index[address.link]
        others = ", ".join(other.id for other, _ in holders if other.id != netns.id)
        ref = Ref(RefKind.ADDRESS, netns.id, (str(asked),), f"{address} dev {link.name}", str(address))
        sentence = f"{netns.id} and {others} both have {asked}: the first ARP reply decides"
        changes = (DeleteAddress(netns.id, link.name, address), *forget)
        found.append(
            Blocker(
                "LINK_DUPLICATE_ADDRESS",
                sentence,
                ref,
                (Remedy(f"remove {address} from {link.name} in {netns.id}", changes),),
            )
        )
    return found


def _holders(failure: Failure, asked: IPAddress) -> list[tuple[Netns, Address]]:
    found = []
    for netns in failure.around:
        found += [(netns, address) for address in netns.addresses if address.address == asked]
    return found


def _given(failure: Failure, netns: Netns, address: IPAddress) -> bool:
    """Whether an engine gave the address to a container of that namespace."""
    attachments = (a for c in failure.home.containers_in(netns.id) for a in c.attachments)
    return any(address in (each.address, each.address6) for each in attachments)
