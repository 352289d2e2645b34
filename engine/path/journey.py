"""The journey: where the packet is, what it looks like, and the story so far. The walk's only mutable state."""

from __future__ import annotations

from collections.abc import Callable

from engine.model.address import IPAddress
from engine.model.firewall import RejectKind, SetZone
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Context, Hop, Outcome, Step, StepKind, Trace
from engine.model.traffic import Listener, Tuple4
from engine.path.choices import Choices
from engine.path.lookup.flow import Track, Tracks
from engine.path.lookup.view import CHOSEN, View
from engine.path.world import World
from engine.records import dataclass, field, replace

#: What `ct state` says of a packet that connection tracking has not seen yet, or never sees (nft_ct_get_eval).
UNSEEN = "invalid"


class CannotTell(Exception):
    """The walk ends here as unknown; the journey's last step says why."""


@dataclass(frozen=True, slots=True)
class Out:
    """Where the packet is about to leave: the device, and the next hop's address (MASQUERADE asks both)."""

    link: Link
    towards: IPAddress


@dataclass(frozen=True, slots=True)
class Assigned:
    """The socket that a rule gave the packet to (TPROXY), and the packet's tuple as the rule saw it."""

    listener: Listener
    seen: Tuple4


@dataclass(slots=True)
class Skb:
    """What a network stack keeps beside a packet (struct sk_buff); skb_scrub_packet empties it at a veth pair."""

    #: The flow that the packet is attached to (skb->_nfct).
    track: Track | None = None
    #: Whether a rule set NOTRACK.
    untracked: bool = False
    #: The zones in which the flow is looked up, of the packet's direction and of the other.
    zones: tuple[int, int] = (0, 0)
    #: Whether a rule set the zones.
    zoned: bool = False
    #: The rule by which the mark is the zone (nf_ct_zone_tmpl).
    by_mark: SetZone | None = None
    #: The socket that TPROXY chose (skb->sk).
    assigned: Assigned | None = None
    #: Whether a SYNPROXY of this namespace sends the packet to open a connection.
    proxying: bool = False
    #: The route that was found (skb_dst).
    out: Out | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What the packets of one conversation share."""

    world: World
    #: The flows that were tracked so far.
    tracks: Tracks
    choices: Choices
    #: MAC addresses that hosts learned from requests of others, by namespace, link index and address.
    heard: dict[tuple[str, int, IPAddress], str] = field(default_factory=dict)
    #: The step that ended neighbour discovery between two devices; None where it succeeded.
    discovered: dict[tuple[str, int, str, int, IPAddress], Step | None] = field(default_factory=dict)
    #: Bridge ports from which a MAC address came, by namespace, bridge and MAC address.
    learned: dict[tuple[str, int, str], int] = field(default_factory=dict)
    #: Remote vxlan endpoints of a MAC address, by namespace, link index and MAC address.
    ends: dict[tuple[str, int, str], IPAddress] = field(default_factory=dict)
    #: Namespaces in which SYNPROXY answered the client's SYN.
    cookies: set[str] = field(default_factory=set)
    #: TCP options that the handshake lost; later packets do without them.
    refused: set[str] = field(default_factory=set)
    #: Both ends of the connection, by namespace and incoming tuple: whether the socket is transparent (None: unknown).
    sockets: dict[tuple[str, Tuple4], bool | None] = field(default_factory=dict)
    #: Fields by which rules distinguished packets of one connection, and STRAY.
    told: set[str] = field(default_factory=set)


Endpoint = Callable[["Journey", Link], Trace]


def no_endpoint(journey: Journey, device: Link) -> Trace:
    """The end of a packet that nobody waits for."""
    del device
    return journey.end(Outcome.DELIVERED)


class Journey:
    """One packet on its way: the state that the stages read and change."""

    def __init__(self, setting: Setting, netns: str, packet: Packet, endpoint: Endpoint = no_endpoint) -> None:
        self.setting = setting
        self.world = setting.world
        self.tracks = setting.tracks
        self.choices = setting.choices
        #: Where it is, and where it began.
        self.netns: Netns = setting.world.netns(netns)
        self.origin = self.netns
        #: The packet as it is now, and what rules can see of it beside its headers.
        self.packet = packet
        self.context = Context(ct_state=UNSEEN)
        self.skb = Skb()
        #: The tuple that an ICMP error quotes; conntrack finds the flow of the error by it.
        self.inner: Tuple4 | None = None
        #: The device (namespace, index) behind which an outside client is.
        self.exit: tuple[str, int] | None = None
        #: Decides the ending when a namespace delivers the packet locally.
        self.endpoint = endpoint
        #: Whether the packet is of a connect().
        self.connecting = False
        #: Whether a SYNPROXY took the packet.
        self.proxied = False
        #: The index of the device by which a packet to a link-local address has to leave.
        self.bound: int | None = None
        #: What the last rule saw (`rules.view_of`).
        self.view: View | None = None
        #: Whether the packet ended inside of a tunnel or a bridge, so that its sender gets no error.
        self.hidden = False
        #: Whether the packet is on the last of many rounds of a loop.
        self.circling = False
        #: How many tunnels are around the packet.
        self.depth = 0
        self.assumptions: list[Assumption] = []
        self._hops: list[Hop] = []
        self._arrived = packet
        self._steps: list[Step] = []

    def see(self, **changes: object) -> None:
        """Changes what rules can see of the packet beside its headers (fields of `Context`)."""
        self.context = replace(self.context, **changes)  # type: ignore[arg-type]

    def step(self, kind: StepKind, text: str, ref: Ref | None = None, **more: object) -> None:
        """Adds a step with the packet and context as they are now."""
        self._steps.append(Step(kind, text, self.packet, self.context, ref, **more))  # type: ignore[arg-type]

    def rewrite(self, packet: Packet, text: str, ref: Ref | None = None, **more: object) -> None:
        """Changes the packet and records it as a NAT step."""
        self.step(StepKind.NAT, text, ref, after=packet, **more)
        self.packet = packet

    def assume(self, assumption: Assumption) -> None:
        """Records something that the journey rests on, once."""
        if assumption not in self.assumptions:
            self.assumptions.append(assumption)

    def pick(self, options: int, about: Assumption) -> int:
        """Asks `choices`, and records what the answer rests on."""
        self.assume(about)
        return self.choices.pick(options, about)

    def pick_once(self, key: object, options: int, about: Assumption) -> int:
        """As `pick`, for what is the same for every packet of the conversation."""
        self.assume(about)
        return self.choices.pick_once(key, options, about)

    def choose_source(self, address: IPAddress) -> None:
        """Gives the packet its source address, which it does not have until it is routed."""
        self.packet = replace(self.packet, src=address)
        if not self._steps:
            self._arrived = self.packet

    def detach(self) -> None:
        """Crosses a veth pair within one namespace: the flow is looked up anew on the other side."""
        self.skb = Skb()
        self.context = Context(mark=self.context.mark, ct_state=UNSEEN)

    def enter(self, netns: Netns) -> None:
        """Goes on in another namespace: marks, tracking and devices stay behind (skb_scrub_packet)."""
        if self._steps:
            self._hops.append(Hop(self.netns.id, self._arrived, tuple(self._steps)))
        self._steps = []
        self._arrived = self.packet
        self.netns = netns
        self.skb = Skb()
        self.context = Context(ct_state=UNSEEN)

    def include(self, other: Trace) -> None:
        """Puts the hops of another packet's journey into the story, that of a tunnel's outer packet."""
        self._hops += [Hop(self.netns.id, self._arrived, tuple(self._steps)), *other.hops]
        self._steps = []

    def end(self, outcome: Outcome, reject: RejectKind | None = None) -> Trace:
        """The finished trace."""
        for name, assumption in CHOSEN.items():
            if name in self.setting.told:
                self.assume(assumption)
        hops = [*self._hops, *([Hop(self.netns.id, self._arrived, tuple(self._steps))] if self._steps else ())]
        return Trace(outcome, tuple(hops), reject, tuple(self.assumptions))

    def sysctl_ref(self, name: str) -> Ref:
        """A pointer to a sysctl of the current namespace."""
        value = self.netns.sysctls.get(name)
        text = f"{name} = {value}" if value is not None else name
        return Ref(RefKind.SYSCTL, self.netns.id, (name,), name, text)

    def link_ref(self, link: Link) -> Ref:
        """A pointer to a link of the current namespace."""
        return Ref(RefKind.LINK, self.netns.id, (link.index,), link.name, link.name)
