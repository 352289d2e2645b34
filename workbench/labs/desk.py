"""How something is done to labs: a plan is made beside the screen, looked at, carried out beside the screen, and told.

What is made and carried out runs in a worker's thread; what comes of it is called back in the app's. What the user
typed is in the form again where the plan could not be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from engine.records import replace
from workbench.exits import Refusal, fault_words
from workbench.labs.dialogs import Field, Form, PlanDialog, Values
from workbench.labs.source import LabSource, question
from workbench.labs.work import Work
from workbench.screen.stage import Stage
from workbench.session.sources import LiveHost

T = TypeVar("T")
Make = Callable[[], Work]
#: Gives the user another try, with what was wrong.
Again = Callable[[str], object]


class Desk:
    """Works on labs for an app."""

    def __init__(self, app: Stage) -> None:
        self.app = app

    @property
    def lab(self) -> str:
        """The name of the lab that is shown; empty where it is none."""
        return self.app.source.lab

    def do(self, what: str) -> None:
        """Does what a row of the menu says."""
        raise NotImplementedError

    def open(self, name: str) -> None:
        """Looks at a lab that is up."""
        with self.telling():
            self.app.open(LabSource(name), question(name))

    def plan(self, make: Make, again: Again | None = None, *, leaves: bool = False) -> None:
        """Makes a plan, to be looked at. `leaves`: what is shown will be gone when it is carried out."""
        self.app.busy("planning …")

        def made(work: Work) -> None:
            def decided(accepted: bool | None) -> None:
                if accepted:
                    self._carry_out(work, leaves)

            self.app.push_screen(PlanDialog(work), decided)

        self.beside(make, made, again)

    def _carry_out(self, work: Work, leaves: bool) -> None:
        """Does it, tells and notes what was done, and looks at the lab."""
        if leaves:
            self.app.open(LiveHost() if self.app.home.lab else self.app.home)
        self.app.busy(f"{work.title} …")
        if work.secret:
            self.app.keep_secret(True)

        def done(said: str) -> None:
            self.app.done.add(work.commands, work.title)
            self.app.notify(said, timeout=6)
            if work.opens and work.opens != self.lab:
                self.open(work.opens)
            else:
                self.app.session.refresh()  # what a lab consists of is in its record, which the kernel tells nobody of
            if work.then:
                self.do(work.then)

        def failed(reason: str) -> None:
            self._tell(reason)
            if work.secret:
                self.app.enter_round()

        self.beside(work.do, done, failed)

    def _tell(self, reason: str) -> None:
        self.app.notify(reason, severity="error", timeout=10)

    def beside(self, work: Callable[[], T], then: Callable[[T], object], again: Again | None = None) -> None:
        """Runs something in a worker's thread, then hands on what it gave. Whatever fails is told, and ends nothing."""

        def told(then: Callable[[], object]) -> None:
            self.app.busy("")
            then()

        def run() -> None:
            try:
                found = work()
            except Refusal as refusal:
                reason = str(refusal)
                self.app.call_later(told, lambda: (again or self._tell)(reason))
            except Exception as error:  # the screen stays, and says what happened
                words = fault_words(error)
                self.app.call_later(told, lambda: self._tell(words))
            else:
                self.app.call_later(told, lambda: then(found))

        self.app.run_worker(run, thread=True, group="lab")

    def ask_by_form(
        self, title: str, fields: tuple[Field, ...], filled: Callable[[Values], None], error: str, values: Values | None
    ) -> None:
        """Shows a form; `error` says why it is shown again, with the values that were in it."""
        shown = [replace(one, value=(values or {}).get(one.name, one.value)) for one in fields]

        def decided(found: Values | None) -> None:
            if found is not None:
                filled(found)

        self.app.push_screen(Form(title, shown, error), decided)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tells a refusal instead of raising it."""
        try:
            yield
        except Refusal as refusal:
            self.app.notify(str(refusal), severity="error", timeout=10)
