"""What the kernel showed of a real attempt, and how it compares with the prediction.

Every kind of evidence has a noun here; `engine.prove` fills them. Times are seconds since the proof began.
"""

from __future__ import annotations

from enum import StrEnum

from engine.model.address import IPAddress
from engine.model.host import Gap
from engine.model.packet import Packet
from engine.model.ref import Ref
from engine.model.trace import Symptom
from engine.model.traffic import ConntrackEntry
from engine.records import dataclass

#: The code of an answer that a real attempt contradicts.
MODEL_DISAGREES = "MODEL_DISAGREES"


class Agreement(StrEnum):
    """Whether what was seen is what was predicted. `UNSEEN`: nothing speaks for or against it."""

    YES = "yes"
    NO = "no"
    UNSEEN = "unseen"


class Leg(StrEnum):
    """The parts of a conversation that can be told apart on the wire."""

    FORWARD = "forward"
    REPLY = "reply"
    ERROR = "error"
    CONFIRM = "confirm"
    RELAYED = "relayed"
    RELAYED_REPLY = "relayed-reply"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One real attempt: its symptom, the client's end of it, and what was heard.

    `error` is the name of the errno (ECONNREFUSED), `answer` the first line that was heard, both mostly empty. `status`
    is that of HTTP, 0 where none came.
    `doubt` says why the symptom could mean something else as well; mostly empty.
    """

    symptom: Symptom
    address: IPAddress | None = None
    port: int | None = None
    error: str = ""
    answer: str = ""
    seconds: float = 0.0
    doubt: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """A rule that a packet got through to its end, by nf_tables' trace; `handle` is None for a chain's policy.

    `verdict` is in nft's words (accept, drop, continue, jump NAME).
    """

    netns: str
    packet: Packet
    family: str
    table: str
    chain: str
    handle: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet on a device. `direction` is "in" or "out", from the device's own namespace."""

    seconds: float
    netns: str
    device: str
    direction: str
    packet: Packet
    leg: Leg
    quoted: Packet | None = None


@dataclass(frozen=True, slots=True)
class FlowSeen:
    """A connection tracking event: "new", "update" or "destroy"."""

    netns: str
    event: str
    entry: ConntrackEntry


@dataclass(frozen=True, slots=True)
class Growth:
    """A counter that grew during the attempt: of a rule (`ref`), or of the stack ("Ip.InAddrErrors")."""

    netns: str
    name: str
    by: int
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A packet that the kernel threw away in the attempt's own call: its reason and the function that did it."""

    reason: str
    function: str


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One step: what was predicted, what was seen, and by which evidence. Either text may be empty.

    `ref` points to what decided the predicted step, or to what was seen instead.
    """

    leg: Leg
    netns: str
    predicted: str
    seen: str
    agree: Agreement
    source: str = ""
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The prediction and what the kernel showed.

    `attempt` is None for a client that was only watched for; `arrived` then says whether its packets came. `last` is
    the last place where the question's first packet was seen.
    """

    predicted: Symptom
    attempt: Attempt | None
    agrees: Agreement
    rows: tuple[ProofRow, ...] = ()
    last: Sighting | None = None
    sightings: tuple[Sighting, ...] = ()
    rules: tuple[RuleSeen, ...] = ()
    flows: tuple[FlowSeen, ...] = ()
    growths: tuple[Growth, ...] = ()
    drops: tuple[Drop, ...] = ()
    gaps: tuple[Gap, ...] = ()
    arrived: bool | None = None
    waited: float = 0.0

    @property
    def code(self) -> str:
        """The code of the answer, empty where nothing speaks against the prediction."""
        return MODEL_DISAGREES if self.agrees is Agreement.NO else ""

    @property
    def contradicted(self) -> tuple[ProofRow, ...]:
        """The steps that were not as predicted."""
        return tuple(row for row in self.rows if row.agree is Agreement.NO)
