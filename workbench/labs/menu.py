"""The actions about labs: the menu, and everything in it, each with its plan to look at first.

A part of the workbench. A plan is made and carried out in a worker's thread; what became of it comes back as a
message. What the user typed is in the form again where the plan could not be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from engine.lab import edits, faults, library, lifecycle
from engine.lab.blueprint import Blueprint
from views.verdict.ask import Ask
from workbench.actions import ACTIONS
from workbench.command_log import CommandLog
from workbench.exits import Refusal, fault_words
from workbench.labs import forms, work
from workbench.labs.dialogs import Field, Form, Item, Menu, PlanDialog
from workbench.labs.source import LabSource, question
from workbench.labs.work import Work
from workbench.panes import Panes
from workbench.prompt import FilePrompt
from workbench.sources import LiveHost, Source

if TYPE_CHECKING:
    from textual.app import App

    Base = App[int]
else:
    Base = object

NO_LAB = "This is no lab: n opens or builds one."
Make = Callable[[], Work]
#: What a form's values mean for a lab, and the title of the plan.
Changing = tuple[Callable[[forms.Values], tuple[edits.Edit, ...]], str]
FORMS: dict[str, tuple[str, Callable[..., tuple[Field, ...]], Changing]] = {
    "container": ("Add a container", forms.container_fields, (forms.container, "Add container {name}")),
    "network": ("Add a network", forms.network_fields, (forms.network, "Add network {name}")),
    "publish": ("Publish a port", forms.publish_fields, (forms.publish, "Publish {port} of {container}")),
    "client": ("Add a client outside", forms.client_fields, (forms.client, "Add client {name}")),
}


class Planned(Message):
    """A plan is made."""

    def __init__(self, work: Work, leaves: bool) -> None:
        super().__init__()
        self.work, self.leaves = work, leaves


class Unplanned(Message):
    """It could not be made, or not be carried out; `again` gives the user another try."""

    def __init__(self, reason: str, again: Callable[[str], object] | None) -> None:
        super().__init__()
        self.reason, self.again = reason, again


class Worked(Message):
    """A plan was carried out; `said` is what is true now."""

    def __init__(self, work: Work, said: str) -> None:
        super().__init__()
        self.work, self.said = work, said


class LabMenu(Base):
    """Labs. The app has `panes`, `done`, looks at `source`, asks by `ask` and goes to another source by `open`."""

    panes: Panes
    done: CommandLog
    source: Source
    home: Source

    def open(self, source: Source, ask: Ask | None = None) -> None:
        """Looks at another source."""
        raise NotImplementedError

    def busy(self, doing: str) -> None:
        """Says in the header what is being done."""
        raise NotImplementedError

    @property
    def lab(self) -> str:
        """The name of the lab that is shown; empty where it is none."""
        return self.source.name if isinstance(self.source, LabSource) else ""

    def action_labs(self) -> None:
        """Opens the menu."""
        offered = [action for action in ACTIONS if action.menu and (self.lab or action.group != "lab")]
        items = [Item("", f"Lab {self.lab}")] if self.lab else []
        items += [Item(one.menu, one.title, one.handler) for one in offered if one.group == "lab"]
        items += [Item("", "Labs")] + [Item(one.menu, one.title, one.handler) for one in offered if one.group == "labs"]
        with self.telling():
            for draft in work.standing():
                name = draft.lab.name
                if name != self.lab:
                    items.append(Item("", f"Open lab {name}  {draft.lab.spec.title}", f"lab_open({name!r})"))
        if self.source is not self.home:
            items.append(Item("", f"Back to {self.home.title}", "home"))

        async def run(handler: object) -> None:
            await self.run_action(str(handler))

        self.push_screen(Menu("Labs", items, lambda handler: self.call_later(run, handler)))

    def action_lab_open(self, name: str) -> None:
        """Looks at another lab."""
        with self.telling():
            self.open(LabSource(name), question(name))

    def action_home(self) -> None:
        """Goes back to where the workbench began."""
        self.open(self.home)

    def action_lab_gallery(self) -> None:
        """Chooses a lab of the gallery."""
        items = []
        for name in library.names():
            spec = lifecycle.draft(library.text(name), name).lab.spec
            items.append(Item("", f"{name:<18} {spec.title}", name))
        self.push_screen(Menu("Gallery", items, lambda name: self.plan(partial(work.from_gallery, str(name)))))

    def action_lab_form(self, error: str = "", values: forms.Values | None = None) -> None:
        """A lab by a form."""

        def filled(found: forms.Values) -> None:
            def make() -> Work:
                with work.refusing():
                    return work.from_text(forms.new_lab(found), found["lab"])

            self.plan(make, lambda reason: self.action_lab_form(reason, found))

        self._form("A new lab", forms.NEW_LAB, filled, error, values)

    def action_lab_file(self) -> None:
        """A lab of a Compose file."""
        self.query_one(FilePrompt).ask("build", "compose.yaml", lambda name: self.plan(partial(work.from_file, name)))

    def action_lab_save(self) -> None:
        """Writes the lab as a Compose file."""
        name = self.lab

        def save(path: Path) -> None:
            with self.telling():
                self.notify(work.save_to(name, path), title="Lab saved.", timeout=6)

        if self._is_lab():
            self.query_one(FilePrompt).ask("save lab to", f"{name}.yaml", save)

    def action_lab_add(self, what: str, error: str = "", values: forms.Values | None = None) -> None:
        """One more of something in this lab, by a form."""
        if not self._is_lab():
            return
        name, (title, fields, (meaning, words)) = self.lab, FORMS[what]

        def filled(found: forms.Values) -> None:
            make = partial(work.edit, name, words.format(**found), *meaning(found))
            self.plan(make, lambda reason: self.action_lab_add(what, reason, found))

        with self.telling():
            lab = work.stands(name).lab
            offered = fields(lab, self._selected(lab)) if what == "publish" else fields(lab)
            self._form(f"{title} · lab {name}", offered, filled, error, values)

    def action_lab_remove(self) -> None:
        """One less of something in this lab."""
        if self._is_lab():
            with self.telling():
                found = forms.removals(work.stands(self.lab).lab)
                items = [Item("", f"Remove {words}", number) for number, (words, _) in enumerate(found)]
                name = self.lab

                def chosen(number: object) -> None:
                    words, edit = found[int(str(number))]
                    self.plan(partial(work.edit, name, f"Remove {words}", edit))

                self.push_screen(Menu(f"Remove · lab {name}", items, chosen, "There is nothing in it."))

    def action_lab_break(self) -> None:
        """Puts a fault into this lab."""
        if self._is_lab():
            with self.telling():
                name = self.lab
                lab = work.stands(name).lab
                fitting = [fault for fault in faults.FAULTS.values() if faults.fits(fault, lab)]
                items = [Item("", f"{fault.name:<28} {fault.story}", fault.name) for fault in fitting]
                self.push_screen(
                    Menu(f"Break lab {name}", items, lambda fault: self.plan(partial(work.break_it, name, str(fault))))
                )

    def action_lab_mend(self) -> None:
        """Takes all faults of this lab back."""
        if self._is_lab():
            self.plan(partial(work.mend, self.lab))

    def action_lab_down(self) -> None:
        """Removes this lab."""
        if self._is_lab():
            self.plan(partial(work.down, self.lab), leaves=True)

    def plan(self, make: Make, again: Callable[[str], object] | None = None, *, leaves: bool = False) -> None:
        """Makes a plan, to be looked at. `leaves`: what is shown will be gone when it is carried out."""
        self.busy("planning")
        self._beside(lambda: Planned(make(), leaves), again)

    def on_planned(self, event: Planned) -> None:
        """Shows the plan, and carries it out where it is accepted."""
        self.busy("")
        done = event.work

        def decided(accepted: bool | None) -> None:
            if accepted:
                if event.leaves:
                    self.open(LiveHost() if isinstance(self.home, LabSource) else self.home)
                self.busy(f"{done.title} …")
                self._beside(lambda: Worked(done, done.do()), None)

        self.push_screen(PlanDialog(done), decided)

    def on_unplanned(self, event: Unplanned) -> None:
        """Tells what is wrong, where it can be mended: in the form."""
        self.busy("")
        if event.again is not None:
            event.again(event.reason)
        else:
            self.notify(event.reason, severity="error", timeout=10)

    def on_worked(self, event: Worked) -> None:
        """Tells and notes what was done, and looks at the lab."""
        self.busy("")
        self.done.add(event.work.commands, event.work.title)
        self.notify(event.said, timeout=6)
        if event.work.opens and event.work.opens != self.lab:
            self.action_lab_open(event.work.opens)
        if event.work.then:
            self.call_later(self.run_action, event.work.then)

    def _beside(self, work: Callable[[], Message], again: Callable[[str], object] | None) -> None:
        """Runs something in a worker's thread. Whatever fails is told, and ends nothing."""

        def run() -> None:
            try:
                self.post_message(work())
            except Refusal as refusal:
                self.post_message(Unplanned(str(refusal), again))
            except Exception as error:  # the screen stays, and says what happened
                self.post_message(Unplanned(fault_words(error), None))

        self.run_worker(run, thread=True, group="lab")

    def _form(
        self,
        title: str,
        fields: tuple[Field, ...],
        filled: Callable[[forms.Values], None],
        error: str,
        values: forms.Values | None,
    ) -> None:
        shown = [replace(one, value=(values or {}).get(one.name, one.value)) for one in fields]

        def decided(found: forms.Values | None) -> None:
            if found is not None:
                filled(found)

        self.push_screen(Form(title, shown, error), decided)

    def _selected(self, lab: Blueprint) -> str:
        """The container that is selected in the topology."""
        node = self.panes.topology.selected
        netns = node.ref.netns if node is not None and node.ref is not None else ""
        return next((one.name for one in lab.nodes if one.netns == netns), "")

    def _is_lab(self) -> bool:
        if not self.lab:
            self.notify(NO_LAB, timeout=3)
        return bool(self.lab)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tells a refusal instead of raising it."""
        try:
            yield
        except Refusal as refusal:
            self.notify(str(refusal), severity="error", timeout=10)
