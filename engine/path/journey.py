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


@dataclass(frozen=True, slots=True)
class Setting:
    """What the packets of one conversation share: the world, the flows tracked so far, the choices.

    `heard` has the MAC addresses that hosts learned from requests of others, by namespace, link index and address.
    `discovered` has what neighbour discovery came to between two devices, None where it got through.
    `learned` has the ports that bridges saw a MAC address come in by, by namespace and bridge.
    `ends` has the ends of vxlans that a MAC address spoke from, by namespace, link index and MAC address.
    `cookies` has the namespaces in which a rule answered the client's SYN (SYNPROXY).
    `refused` has the options of TCP that the handshake lost, and that later packets do without.
    `sockets` has the ends of this conversation's connection, by namespace and tuple of what comes in, with whether the
    socket is a transparent one (None: not known).
    `told` has what told packets of one connection from each other: fields that rules asked for, and STRAY.
    """

    world: World
    tracks: Tracks
    choices: Choices
    heard: dict[tuple[str, int, IPAddress], str] = field(default_factory=dict)
    discovered: dict[tuple[str, int, str, int, IPAddress], Step | None] = field(default_factory=dict)
    learned: dict[tuple[str, int, str], int] = field(default_factory=dict)
    ends: dict[tuple[str, int, str], IPAddress] = field(default_factory=dict)
    cookies: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    sockets: dict[tuple[str, Tuple4], bool | None] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


Endpoint = Callable[["Journey", Link], Trace]


def no_endpoint(journey: Journey, device: Link) -> Trace:
    """The end of a packet that nobody waits for."""
    del device
    return journey.end(Outcome.DELIVERED)


class Journey:
    """One packet on its way.

    `track` is the flow that the packet is attached to (skb->_nfct): kept over loopback and bridges, lost
    when it crosses a veth pair. `zones` is where that is looked for, `zoned` that a rule said so, `by_mark`
    the one that takes the mark for it. `assigned` is the
    socket that TPROXY chose. `inner` is the tuple quoted by an ICMP error, by which connection tracking finds
    the flow that the error belongs to. `untracked` is set by NOTRACK. `endpoint`
    decides what becomes of the packet when a namespace takes it in. `exit` is the device (namespace id,
    index) behind which an outside client sits. `connecting` marks the packet of a connect().
    `proxying` says that a SYNPROXY here sends the packet to open a connection, `proxied` that one has taken it.
    `bound` is the index of the device that a packet to a link-local address has to leave by. `view` is what the last
    rule saw (see `rules.view_of`). `hidden` says that the packet ended inside of a tunnel or a bridge, whose errors its
    sender does not hear of; `circling` that it is on the last of many rounds; `depth` counts the tunnels around it.
    """

    def __init__(self, setting: Setting, netns: str, packet: Packet, endpoint: Endpoint = no_endpoint) -> None:
        self.setting = setting
        self.world = setting.world
        self.tracks = setting.tracks
        self.choices = setting.choices
        self.netns: Netns = setting.world.netns(netns)
        self.packet = packet
        self.context = Context(ct_state=UNSEEN)
        self.track: Track | None = None
        self.inner: Tuple4 | None = None
        self.untracked = False
        self.zones = (0, 0)
        self.zoned = False
        self.by_mark: SetZone | None = None
        self.assigned: Assigned | None = None
        self.out: Out | None = None
        self.exit: tuple[str, int] | None = None
        self.endpoint = endpoint
        self.connecting = False
        self.proxying = False
        self.proxied = False
        self.bound: int | None = None
        self.view: View | None = None
        self.hidden = False
        self.circling = False
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
        self._forget_flow()
        self.context = Context(mark=self.context.mark, ct_state=UNSEEN)

    def enter(self, netns: Netns) -> None:
        """Goes on in another namespace: marks, tracking and devices stay behind (skb_scrub_packet)."""
        if self._steps:
            self._hops.append(Hop(self.netns.id, self._arrived, tuple(self._steps)))
        self._steps = []
        self._arrived = self.packet
        self.netns = netns
        self._forget_flow()
        self.context = Context(ct_state=UNSEEN)

    def _forget_flow(self) -> None:
        """Drops what belongs to the flow of one side."""
        self.track = None
        self.untracked = False
        self.zones = (0, 0)
        self.zoned = False
        self.by_mark = None
        self.assigned = None
        self.proxying = False
        self.out = None

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
