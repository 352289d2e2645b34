"""The lines in which a user writes: a question (from, to, port, protocol), a filter, a name of a file, a change.

A prompt takes the place of the detail line while it is open. Enter runs it, escape closes it, tab goes to the
next field. What is wrong with a question is said in the line above it, and it stays open to be mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from views.verdict.ask import Ask, completions
from views.verdict.offers import FieldOffer, offers, served_port
from workbench.screen.fault_barrier import Held
from workbench.screen.line_input import LineInput
from workbench.screen.offers import Offers
from workbench.session.messages import Told

#: What stands in the field of the protocol. An echo has no port; which of the two ICMPs it is, its address tells.
PROTOCOLS = {"tcp": Protocol.TCP, "udp": Protocol.UDP, "sctp": Protocol.SCTP, "icmp": Protocol.ICMP}
ECHO = (Protocol.ICMP, Protocol.ICMPV6)


class Known(SuggestFromList):
    """Completes a word to one that is known; one that is known already is whole."""

    async def get_suggestion(self, value: str) -> str | None:
        """What completes it."""
        return None if value in self._suggestions else await super().get_suggestion(value)


class Prompt(Held, Horizontal):
    """A line that is shown while it is open."""

    @property
    def opened(self) -> bool:
        """Whether it is open."""
        return self.has_class("-open")

    def close(self) -> None:
        """Hides the line. A key that comes before the pane has the focus is not written into it any more."""
        self.remove_class("-open")
        self.display = False
        if self.screen.focused in list(self.query(Input)):
            self.screen.set_focus(None)
        self._release()

    def _release(self) -> None:
        """What was typed behind enter goes to what has the keys now."""
        for field in self.query(LineInput):
            field.release()

    def next_field(self, step: int) -> None:
        """Puts the cursor into the next field."""
        fields = list(self.query(Input))
        here = next((number for number, field in enumerate(fields) if field.has_focus), 0)
        fields[(here + step) % len(fields)].focus()

    def _open(self, first: Input) -> None:
        """Shows the line and gives it the keys at once: whoever types fast means the next key for it."""
        self.add_class("-open")
        self.display = True
        self.screen.set_focus(first)
        first.action_end()
        self._release()


class WhyPrompt(Prompt):
    """Asks for a question."""

    class Asked(Told):
        """The user wants an answer."""

        def __init__(self, ask: Ask) -> None:
            super().__init__()
            self.ask = ask

    class Wrong(Told):
        """The question cannot be asked as it stands; without a reason it is not known to be wrong any more."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def compose(self) -> ComposeResult:
        """The fields."""
        yield Label("why", classes="-name")
        for name, title, short in (
            ("from", "from", ""),
            ("to", "to", ""),
            ("port", "port", "-short"),
            ("protocol", "proto", "-short"),
        ):
            yield Label(title)
            yield LineInput(id=f"why-{name}", classes=short, select_on_focus=True)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "offer(1)", show=False),
        Binding("up", "offer(-1)", show=False),
    ]
    _known: Mapping[str, Sequence[FieldOffer]] = {}
    _snapshot: Snapshot | None = None

    def open(self, ask: Ask, snapshot: Snapshot | None = None, recent: Sequence[Ask] = ()) -> None:
        """Shows the prompt with a question filled in, the cursor on the port. The host tells what completes it and what
        stands in the rows above: the `recent` questions first."""
        ping = ask.protocol in ECHO
        host, _, port = (ask.target, "", "") if ping or _is_url(ask.target) else ask.target.rpartition(":")
        self._complain("")
        self._snapshot = snapshot
        self._known = offers(snapshot, recent) if snapshot is not None else {}
        if snapshot is not None:
            for name, words in completions(snapshot).items():
                self._field(name).suggester = Known(words, case_sensitive=False)
        protocol = "icmp" if ping else str(ask.protocol)
        for name, value in (("from", ask.source), ("to", host), ("port", port), ("protocol", protocol)):
            field = self._field(name)
            with field.prevent(Input.Changed):
                field.value = value
        self._field("to").placeholder = "this host"
        self._open(self._field("port"))
        self._show_offers(self._field("port"), "")

    def close(self) -> None:
        """Hides the line, and the rows above it."""
        super().close()
        self._offers().hide()

    def _offers(self) -> Offers:
        return self.screen.query_one(Offers)

    def _show_offers(self, field: Input, text: str) -> None:
        name = str(field.id).removeprefix("why-")
        self._offers().show_for(self._known.get(name, ()), text)

    def on_descendant_focus(self) -> None:
        """The rows are those of the field that has the keys."""
        field = self.screen.focused
        if self.opened and isinstance(field, Input):
            self._show_offers(field, "")

    def action_offer(self, step: int) -> None:
        """Moves among the rows above the line."""
        self._offers().move_among(step)

    def _take(self, value: str) -> bool:
        """Puts the chosen row into the field that has the keys. Whether that is a whole question."""
        field = self.screen.focused
        if not isinstance(field, Input):
            return False
        with field.prevent(Input.Changed):
            field.value = value
        field.action_end()
        if field.id == "why-to" and self._snapshot is not None:
            self._field("port").value = served_port(self._snapshot, value, self._value("port")) or self._value("port")
        if field.id == "why-port":
            return True
        self.next_field(1)
        return False

    def refuse(self, reason: str) -> None:
        """Says what is wrong with the question, and stays open."""
        self._open(self._field("to"))
        self._complain(reason)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The complaint was about what stood there before; the rows are those that fit."""
        self._complain("")
        if self.opened:
            self._show_offers(event.input, event.value)

    def on_input_submitted(self) -> None:
        """Takes the chosen row; without one runs the question."""
        chosen = self._offers().chosen
        if chosen and not self._take(chosen):
            self._release()
            return
        self._take_apart()
        problems = list(self._problems())
        if problems:
            self._complain(problems[0])
            self._release()
            return
        host, port, protocol = self._value("to"), self._value("port"), self._protocol()
        if ":" in host and not host.startswith("[") and not _is_url(host):
            host = f"[{host}]"
        target = host if protocol in ECHO or _is_url(host) else f"{host}:{port}"
        self.post_message(self.Asked(Ask(target, self._value("from") or "host", protocol)))

    def _take_apart(self) -> None:
        """A whole question in the port field (`FROM>TO:PORT`, `TO:PORT`, a URL, as one pastes it) fills the others."""
        source, arrow, target = self._value("port").rpartition(">")
        if _is_url(target):
            self._field("to").value, self._field("port").value = target.strip(), ""
            if arrow:
                self._field("from").value = source
            return
        host, colon, port = target.rpartition(":")
        if arrow:
            self._field("from").value = source
        if colon:
            self._field("to").value = host
        if arrow or colon:
            self._field("port").value = port

    def _problems(self) -> Iterator[str]:
        port, protocol = self._value("port"), self._value("protocol").lower()
        if protocol not in PROTOCOLS:
            yield f"the protocol is one of {', '.join(PROTOCOLS)}"
        elif PROTOCOLS[protocol] in ECHO:
            if not self._value("to"):
                yield "an echo needs an address or a container to go to"
        elif _is_url(self._value("to")):
            return
        elif not port.isdecimal() or not 1 <= int(port) <= 65535:
            yield "the port is a number from 1 to 65535"

    def _protocol(self) -> Protocol:
        return PROTOCOLS[self._value("protocol").lower()]

    def _field(self, name: str) -> Input:
        return self.query_one(f"#why-{name}", Input)

    def _value(self, name: str) -> str:
        return self._field(name).value.strip()

    def _complain(self, reason: str) -> None:
        self.post_message(self.Wrong(reason))


def _is_url(text: str) -> bool:
    """Whether a target says by itself which port is meant."""
    return "://" in text


class LinePrompt(Prompt):
    """Asks for a line of text, for whatever wants one: the name of a file, a change in words."""

    class Written(Told):
        """The user wrote this; `then` takes it."""

        def __init__(self, text: str, then: Callable[[str], object]) -> None:
            super().__init__()
            self.text, self.then = text, then

    _then: Callable[[str], object] | None = None

    def compose(self) -> ComposeResult:
        """The field."""
        yield Label("", id="line-what", classes="-name")
        yield LineInput(id="line-text", select_on_focus=True)

    def ask(self, what: str, example: str, then: Callable[[str], object], known: Sequence[str] = ()) -> None:
        """Shows the prompt, saying what the line is for; `known` completes it."""
        self._then = then
        self.query_one("#line-what", Label).update(what)
        field = self.query_one(Input)
        field.placeholder = example
        field.suggester = Known(known) if known else None
        self._open(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hands the text on, where there is one."""
        text = event.value.strip()
        if text and self._then is not None:
            self.post_message(self.Written(text, self._then))
        else:
            self._release()


class FilterPrompt(Prompt):
    """Asks for a pattern. What is typed counts at once."""

    class Changed(Told):
        """The pattern is another one; `final` when the user pressed enter."""

        def __init__(self, pattern: str, final: bool) -> None:
            super().__init__()
            self.pattern = pattern
            self.final = final

    def compose(self) -> ComposeResult:
        """The field."""
        yield Label("/", classes="-name")
        yield LineInput(id="filter-pattern", placeholder="text, or !text for all others", select_on_focus=True)

    def open(self, pattern: str) -> None:
        """Shows the prompt with the pattern that is in force."""
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = pattern
        self._open(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters as the user types."""
        self.post_message(self.Changed(event.value, False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keeps the filter, and closes."""
        self.post_message(self.Changed(event.value, True))
