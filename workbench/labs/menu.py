"""The menu of labs, and everything in it: new ones, changes of the one that is shown, faults, saving, taking down.

Each thing is a verb of `do`; the rows of the menu come from the table of actions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.lab import edits, faults, library, lifecycle
from engine.lab.blueprint import Blueprint
from workbench.actions import ACTIONS
from workbench.labs import forms, work
from workbench.labs.desk import Desk
from workbench.labs.dialogs import Field, Item, Menu
from workbench.labs.work import Work

NO_LAB = "This is not a lab: {labs} opens or builds one."
#: What a form's values mean for a lab, and the title of the plan.
Changing = tuple[Callable[[forms.Values], tuple[edits.Edit, ...]], str]
FORMS: dict[str, tuple[str, Callable[..., tuple[Field, ...]], Changing]] = {
    "container": ("Add a container", forms.container_fields, (forms.container, "Add container {name}")),
    "network": ("Add a network", forms.network_fields, (forms.network, "Add network {name}")),
    "publish": ("Publish a port", forms.publish_fields, (forms.publish, "Publish {port} of {container}")),
    "client": ("Add a client outside", forms.client_fields, (forms.client, "Add client {name}")),
}


class MenuDesk(Desk):
    """The desk with its menu."""

    def do(self, what: str) -> None:
        """Does what a row of the menu says: `down`, `add.network`, `open.NAME`."""
        verb, _, name = what.partition(".")
        steps: dict[str, Callable[[], object]] = {
            "add": partial(self.add, name),
            "open": partial(self.open, name),
            "remove": self.remove,
            "break": self.break_it,
            "dojo": self.dojo,
            "mend": self.mend,
            "save": self.save,
            "down": self.down,
            "gallery": self.gallery,
            "file": self.file,
            "form": self.form,
            "home": partial(self.app.open, self.app.home),
        }
        steps[verb]()

    def dojo(self) -> None:
        """A round of the dojo."""
        raise NotImplementedError

    def menu(self) -> None:
        """Opens the menu."""
        offered = [action for action in ACTIONS if action.menu and (self.lab or action.group != "lab")]
        items = [Item("", f"Lab {self.lab}")] if self.lab else []
        items += [Item(one.menu, one.title, one.handler) for one in offered if one.group == "lab"]
        items += [Item("", "Labs")] + [Item(one.menu, one.title, one.handler) for one in offered if one.group == "labs"]
        with self.telling():
            for draft in work.standing():
                name = draft.lab.name
                if name != self.lab:
                    items.append(Item("", f"Open lab {name}  {draft.lab.spec.title}", f"lab('open.{name}')"))
        if self.app.source is not self.app.home:
            items.append(Item("", f"Back to {self.app.home.title}", "lab('home')"))

        async def run(handler: object) -> None:
            await self.app.run_action(str(handler))

        self.app.push_screen(Menu("Labs", items, lambda handler: self.app.call_later(run, handler)))

    def gallery(self) -> None:
        """Chooses a lab of the gallery."""
        items = []
        for name in library.names():
            spec = lifecycle.draft(library.text(name), name).lab.spec
            items.append(Item("", f"{name:<18} {spec.title}", name))
        self.app.push_screen(Menu("Gallery", items, lambda name: self.plan(partial(work.from_gallery, str(name)))))

    def form(self, error: str = "", values: forms.Values | None = None) -> None:
        """A lab by a form."""

        def filled(found: forms.Values) -> None:
            def make() -> Work:
                with work.refusing():
                    return work.from_text(forms.new_lab(found), found["lab"])

            self.plan(make, lambda reason: self.form(reason, found))

        self.ask_by_form("A new lab", forms.NEW_LAB, filled, error, values)

    def file(self) -> None:
        """A lab of a Compose file."""
        self.app.ask_file("build", "compose.yaml", lambda name: self.plan(partial(work.from_file, name)))

    def save(self) -> None:
        """Writes the lab as a Compose file."""
        name = self.lab

        def save(path: Path) -> None:
            with self.telling():
                self.app.notify(work.save_to(name, path), title="Lab saved.", timeout=6)

        if self.is_lab():
            self.app.ask_file("save lab to", f"{name}.yaml", save)

    def add(self, what: str, error: str = "", values: forms.Values | None = None) -> None:
        """One more of something in this lab, by a form."""
        if not self.is_lab():
            return
        name, (title, fields, (meaning, words)) = self.lab, FORMS[what]

        def filled(found: forms.Values) -> None:
            make = partial(work.edit, name, words.format(**found), *meaning(found))
            self.plan(make, lambda reason: self.add(what, reason, found))

        with self.telling():
            lab = work.stands(name).lab
            offered = fields(lab, self._selected(lab)) if what == "publish" else fields(lab)
            self.ask_by_form(f"{title} · lab {name}", offered, filled, error, values)

    def remove(self) -> None:
        """One less of something in this lab."""
        if self.is_lab():
            with self.telling():
                found = forms.removals(work.stands(self.lab).lab)
                items = [Item("", f"Remove {words}", number) for number, (words, _) in enumerate(found)]
                name = self.lab

                def chosen(number: object) -> None:
                    words, edit = found[int(str(number))]
                    self.plan(partial(work.edit, name, f"Remove {words}", edit))

                self.app.push_screen(Menu(f"Remove · lab {name}", items, chosen, "It is empty."))

    def break_it(self) -> None:
        """Puts a fault into this lab."""
        if self.is_lab():
            with self.telling():
                name = self.lab
                lab = work.stands(name).lab
                fitting = [fault for fault in faults.FAULTS.values() if faults.fits(fault, lab)]
                items = [Item("", f"{fault.name:<28} {fault.story}", fault.name) for fault in fitting]
                self.app.push_screen(
                    Menu(f"Break lab {name}", items, lambda fault: self.plan(partial(work.break_it, name, str(fault))))
                )

    def mend(self) -> None:
        """Takes all faults of this lab back."""
        if self.is_lab():
            self.plan(partial(work.mend, self.lab))

    def down(self) -> None:
        """Removes this lab."""
        if self.is_lab():
            self.plan(partial(work.down, self.lab), leaves=True)

    def _selected(self, lab: Blueprint) -> str:
        """The container that is selected in the topology."""
        node = self.app.panes.topology.selected
        netns = node.ref.netns if node is not None and node.ref is not None else ""
        return next((one.name for one in lab.nodes if one.netns == netns), "")

    def is_lab(self) -> bool:
        """Whether a lab is shown; says so where none is."""
        if not self.lab:
            self.app.say(NO_LAB)
        return bool(self.lab)
