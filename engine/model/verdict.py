"""Question and answer: who asks for what, whether it is reached, why not, and what mends it."""

from __future__ import annotations

from enum import StrEnum

from engine.catalogue import CODES
from engine.model.address import IPAddress
from engine.model.host import Gap
from engine.model.machine import Join, Machine
from engine.model.packet import ECHO_PROTOCOLS, Protocol
from engine.model.plan import Plan
from engine.model.proof import Proof
from engine.model.ref import Ref
from engine.model.trace import Assumption, Conversation, Symptom
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks: a namespace, or an outside address that arrives on a device of the host.

    For a namespace, `address` is None until routing has chosen it. For an outside client `netns` is the
    host's id, `address` the client's and `device` the name of the link that it arrives on. `port` is the
    client's own port where it keeps one; None is a client that takes a new one for each attempt.
    """

    netns: str
    address: IPAddress | None = None
    device: str | None = None
    port: int | None = None

    @property
    def outside(self) -> bool:
        """Whether the client is somewhere that the snapshot does not show."""
        return self.device is not None


@dataclass(frozen=True, slots=True)
class Url:
    """What an HTTP client asks for: by TLS or plain, with which Host, and which path. `via` are the proxies that passed
    the request on before, each with what it was asked for (RFC 9110, 7.6.3)."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    via: tuple[str, ...] = ()

    def __str__(self) -> str:
        usual = {"http": 80, "https": 443}.get(self.scheme) == self.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if usual else f':{self.port}'}{self.path}"

    @property
    def tls(self) -> bool:
        """Whether the client speaks TLS."""
        return self.scheme in ("https", "wss")


@dataclass(frozen=True, slots=True)
class Question:
    """Can `source` open `protocol` to `address`:`port`? `target` is the target as the user wrote it.

    `port` is 0 for ICMP: then the question is whether an echo is answered.
    `zone` is the client's device that a link-local address is asked for on (RFC 4007, 11: `fe80::1%eth0`).
    `name` is what the source looks up first; `address` is then what is meant where that finds nothing, unspecified
    where nothing else is. `url` is what an HTTP client asks for once it is connected; None where only the connection
    is asked for. `expected` is the host that the target is said to be on, where there are several.
    """

    source: Source
    address: IPAddress
    port: int
    protocol: Protocol = Protocol.TCP
    target: str = ""
    zone: str = ""
    name: str = ""
    url: Url | None = None
    expected: str = ""

    def __post_init__(self) -> None:
        if self.protocol in ECHO_PROTOCOLS:
            if self.port or (self.protocol is Protocol.ICMP) != (self.address.version == 4):
                raise ValueError(f"{self.protocol} to {self.address}, port {self.port}: an echo has no port")
        elif not 1 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is not between 1 and 65535")

    @property
    def end(self) -> str:
        """What is asked for: `10.0.0.1:80/tcp`, `[fe80::1]:53/udp`, `10.0.0.1/icmp`."""
        named = self.name and self.address.is_unspecified
        if self.protocol in ECHO_PROTOCOLS:
            return f"{self.name if named else self.address}/icmp"
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        host = self.name if named else host
        return f"{host}:{self.port}/{self.protocol}"


class Reach(StrEnum):
    """The answer in one word."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that would have let the packet through but for what `because` says."""

    ref: Ref
    text: str
    because: str


class FixKind(StrEnum):
    """Whose a fix is: the client's, the publisher's, a rule's owner's, the application's, or the host's."""

    #: The client asks for another address or port; nothing changes.
    ASK = "ask"
    #: The engine's client or a Compose file: publish a port, connect a network, start a container.
    PUBLISH = "publish"
    #: The tool that owns the rule: ufw, firewalld, fail2ban.
    OWNER = "owner"
    #: The program: where it listens, and that it runs.
    APPLICATION = "application"
    #: A rule of the firewall or an element of a set.
    RULE = "rule"
    #: A setting of the network stack: a route, a device, a sysctl.
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Fix:
    """What makes the question work: a change, as a plan and as commands, or another question to ask."""

    title: str
    plan: Plan
    #: Argument lists to run as root, in order; empty where no command can do it.
    commands: tuple[tuple[str, ...], ...]
    #: "model" when the walk over the changed snapshot connected, "kernel" when a real attempt did.
    verified: str = "model"
    #: The symptom after it (of this cause's first change together with those of the causes before it).
    then: Symptom = Symptom.CONNECTED
    #: What else can be reached after it, or no longer.
    side_effects: tuple[str, ...] = ()
    #: How long the change stays.
    survives: str = ""
    #: The commands of its owner's own tool that do the same permanently; empty where there is none.
    lasting: tuple[tuple[str, ...], ...] = ()
    kind: FixKind = FixKind.SYSTEM
    #: What to ask instead, for the kind `ask`.
    ask: Question | None = None
    #: The host on which the commands run, where there are several.
    host: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One blocker of a packet, or a finding."""

    #: A code of `engine.catalogue`.
    code: str
    #: What is wrong, on this host: one sentence.
    sentence: str
    #: The object that it is wrong with.
    at: Ref
    #: The program or person that made the object.
    owner: str = "admin"
    evidence: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    #: Alternatives, the best first.
    fixes: tuple[Fix, ...] = ()
    #: Why it needs no fix of its own, where the fix of another cause takes the packet past it; else empty.
    settled: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"the code {self.code} is not in the catalogue")

    @property
    def change(self) -> Fix | None:
        """The first fix that changes what is asked, and not where: those of all causes together connect."""
        return next((fix for fix in self.fixes if fix.ask is None), None)


@dataclass(frozen=True, slots=True)
class Supposition:
    """What an answer supposes (`why --if`), and what the same question gives without it."""

    #: The changes as they were written.
    sentences: tuple[str, ...]
    #: The answer without them.
    reach: Reach
    symptom: Symptom
    #: What else can be reached with them, or no longer.
    flips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question. `conversation` is the one that the host's state leads to.

    With `reach` "depends", `branches` has one conversation for each different ending. `findings` are what is worth
    knowing beside a connection that works (a rule that was meant to prevent it); their fixes would keep it out.
    `kernel` is what a real attempt showed, None where none was made; then `reach` and `symptom` are the kernel's where
    it disagrees. `supposed` is what the answer supposes, None where it is about the host as it is. Of several hosts,
    `hosts` are those of the snapshot, and `joins` those by which packets got from one to another.
    """

    question: Question
    reach: Reach
    symptom: Symptom
    conversation: Conversation
    causes: tuple[Cause, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    gaps: tuple[Gap, ...] = ()
    branches: tuple[Conversation, ...] = ()
    findings: tuple[Cause, ...] = ()
    kernel: Proof | None = None
    supposed: Supposition | None = None
    hosts: tuple[Machine, ...] = ()
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        if self.reach is not Reach.YES and not self.causes:
            raise ValueError(f"the answer {self.reach} needs a cause")

    @property
    def told(self) -> tuple[Cause, ...]:
        """Causes, then findings, as views number them."""
        return (*self.causes, *self.findings)
