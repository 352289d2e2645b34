"""Blockers of an address that two devices answer for: which of them is heard first is chance."""

from __future__ import annotations

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Address
from engine.model.plan import DeleteAddress
from engine.model.ref import Ref, RefKind

#: The assumption that the walk makes where several stations answer.
SEVERAL = "ASSUME_DUPLICATE_ADDRESS"


def duplicates(failure: Failure) -> list[Blocker]:
    """The packet came to the wrong one of several holders of an address: theirs goes that no engine gave it to."""
    asked = next((a.ref for a in failure.conversation.assumptions if a.code == SEVERAL and a.ref), None)
    if asked is None:
        return []
    holders = list(_holders(failure, str(asked.key[1])))
    strangers = [(netns, address) for netns, address in holders if not _given(failure, netns, address.address)]
    wrong = strangers if 0 < len(strangers) < len(holders) else [h for h in holders if h[0].id == failure.netns.id]
    found = []
    for netns, address in wrong:
        link = netns.links_by_index[address.link]
        others = ", ".join(other.id for other, _ in holders if other.id != netns.id)
        ref = Ref(RefKind.ADDRESS, netns.id, (str(address.address),), f"{address} dev {link.name}", str(address))
        sentence = f"{netns.id} has {address.address} too, which {others} has: which of them answers is chance"
        remedy = Remedy(
            f"take {address} from {link.name} of {netns.id}", (DeleteAddress(netns.id, link.name, address),)
        )
        found.append(Blocker("LINK_DUPLICATE_ADDRESS", sentence, ref, (remedy,)))
    return found


def _holders(failure: Failure, text: str) -> list[tuple[Netns, Address]]:
    found = []
    for netns in failure.world.snapshot.namespaces:
        found += [(netns, address) for address in netns.addresses if str(address.address) == text]
    return found


def _given(failure: Failure, netns: Netns, address: IPAddress) -> bool:
    """Whether an engine gave the address to a container of that namespace."""
    attachments = (a for c in failure.world.snapshot.containers_in(netns.id) for a in c.attachments)
    return any(address in (each.address, each.address6) for each in attachments)
