"""How something is done to labs: a plan is made beside the screen, looked at, carried out beside the screen, and told.

What is made and carried out runs in a worker's thread; what comes of it is called back in the app's. What the user
typed is in the form again where the plan could not be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from engine.lab.errors import LabError
from engine.records import replace
from views.verdict.ask import Ask
from workbench.controllers.stage import Stage
from workbench.exits import Refusal, fault_words
from workbench.labs.form_dialog import Field, Form, Values
from workbench.labs.plan_dialog import PlanDialog
from workbench.labs.source import LabSource, question
from workbench.labs.work import Work
from workbench.session.sources import LiveHost, Source

T = TypeVar("T")
Make = Callable[[], Work]
#: Gives the user another try, with what was wrong.
Again = Callable[[str], object]
#: Why a form is shown again, and the values that were in it.
Typed = tuple[str, Values]
UNTYPED: Typed = ("", {})
Then = Callable[[], object] | None
NO_LAB = "This is not a lab: {labs} opens or builds one."


class Desk:
    """Works on labs. `look_at` looks at another source, `keep_secret` and `enter_round` are those of `Labs`."""

    def __init__(
        self,
        stage: Stage,
        look_at: Callable[[Source, Ask | None], object],
        keep_secret: Callable[[bool], object],
        enter_round: Callable[[], object],
    ) -> None:
        self.stage, self.app = stage, stage.app
        self.look_at, self.keep_secret, self.enter_round = look_at, keep_secret, enter_round

    @property
    def lab(self) -> str:
        """The name of the lab that is shown; empty where it is none."""
        return self.stage.source.lab

    def is_lab(self) -> bool:
        """Whether a lab is shown; says so where none is."""
        if not self.lab:
            self.stage.say(NO_LAB)
        return bool(self.lab)

    def open(self, name: str) -> None:
        """Looks at a lab that is up."""
        with self.telling():
            self.look_at(LabSource(name), question(name))

    def plan(self, make: Make, again: Again | None = None, then: Then = None, *, leaves: bool = False) -> None:
        """Makes a plan, to be looked at. When it is carried out `then` goes on; `leaves`: what is shown is gone."""
        self.stage.busy("planning …")

        def made(work: Work) -> None:
            def decided(accepted: bool | None) -> None:
                if accepted:
                    self._carry_out(work, then, leaves)

            self.app.push_screen(PlanDialog(work), decided)

        self.beside(make, made, again)

    def _carry_out(self, work: Work, then: Then, leaves: bool) -> None:
        """Does it, tells and notes what was done, and looks at the lab."""
        if leaves:
            home = self.stage.home
            self.look_at(LiveHost() if home.lab else home, None)
        self.stage.busy(f"{work.title} …")
        if work.secret:
            self.keep_secret(True)

        def done(said: str) -> None:
            self.stage.done.add(work.commands, work.title)
            self.app.notify(said, timeout=6)
            if work.opens and work.opens != self.lab:
                self.open(work.opens)
            else:
                self.stage.session.refresh()  # the kernel tells nobody that a lab's record is another
            if then is not None:
                then()

        def failed(reason: str) -> None:
            self._tell(reason)
            if work.secret:
                self.enter_round()

        self.beside(work.do, done, failed)

    def _tell(self, reason: str) -> None:
        self.app.notify(reason, severity="error", timeout=10)

    def beside(self, work: Callable[[], T], then: Callable[[T], object], again: Again | None = None) -> None:
        """Runs something in a worker's thread, then hands on what it gave. Whatever fails is told, and ends nothing."""

        def told(then: Callable[[], object]) -> None:
            self.stage.busy("")
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
        self,
        title: str,
        fields: tuple[Field, ...],
        drafted: Callable[[Values], object],
        filled: Callable[[Values], None],
        again: Typed,
    ) -> None:
        """Shows a form. `drafted` makes of its values what they mean, or raises LabError; `again` says why the form is
        shown once more, with the values that were in it."""
        error, values = again
        shown = [replace(one, value=values.get(one.name, one.value)) for one in fields]

        def check(found: Values) -> str:
            try:
                drafted(found)
            except LabError as wrong:
                return str(wrong)
            return ""

        def decided(found: Values | None) -> None:
            if found is not None:
                filled(found)

        self.app.push_screen(Form(title, shown, error, check), decided)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tells a refusal instead of raising it."""
        try:
            yield
        except Refusal as refusal:
            self.app.notify(str(refusal), severity="error", timeout=10)
