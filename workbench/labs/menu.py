"""The menu of labs, and everything in it: new ones, changes of the one that is shown, faults, saving, taking down.

The rows of the menu come from the table of actions, and after them those of the labs that are up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.lab import edits, faults, library, lifecycle
from engine.lab.blueprint import Blueprint
from engine.lab.spec import LabSpec
from workbench.actions import ACTIONS, BY_ID
from workbench.controllers.prompts import Prompts
from workbench.labs import forms, work
from workbench.labs.desk import UNTYPED, Desk, Typed
from workbench.labs.form_dialog import Field
from workbench.labs.work import Work
from workbench.screen.menu import Item, Menu

#: What a form's values mean for a lab, and the title of the plan.
Changing = tuple[Callable[[forms.Values], tuple[edits.Edit, ...]], str]
FORMS: dict[str, tuple[str, Callable[..., tuple[Field, ...]], Changing]] = {
    "container": ("Add a container", forms.container_fields, (forms.container, "Add container {name}")),
    "network": ("Add a network", forms.network_fields, (forms.network, "Add network {name}")),
    "publish": ("Publish a port", forms.publish_fields, (forms.publish, "Publish {port} of {container}")),
    "client": ("Add a client outside", forms.client_fields, (forms.client, "Add client {name}")),
}


def shape(spec: LabSpec) -> str:
    """A lab in a line: each network with its services, and what is published.

    `front: web api  ·  back: api db  ·  publishes 8080→web:80`.
    """
    inside: dict[str, list[str]] = {network.name: [] for network in spec.networks}
    for service in spec.services:
        for place in service.memberships:
            inside.setdefault(place.network, []).append(service.name)
    alone = [f"{each.name} ({each.mode})" for each in spec.services if not each.memberships]
    ports = [
        f"{port.host_port or '?'}→{service.name}:{port.container_port}"
        for service in spec.services
        for port in service.ports
    ]
    parts = [f"{name}: {' '.join(names)}" for name, names in inside.items() if names]
    parts += [" ".join(alone)] if alone else []
    return "  ·  ".join([*parts, *([f"publishes {' '.join(ports)}"] if ports else [])])


class LabMenu:
    """The menu, and what its rows do at the desk."""

    def __init__(self, desk: Desk, prompts: Prompts) -> None:
        self._desk, self._prompts = desk, prompts

    def open(self) -> None:
        """Opens the menu."""
        app, stage, lab = self._desk.app, self._desk.stage, self._desk.lab
        offered = [action for action in ACTIONS if action.menu and (lab or action.group != "lab")]
        rows = [(one.group, Item(one.menu, one.title, one.id)) for one in offered]
        items = [Item("", f"Lab {lab}")] if lab else []
        items += [item for group, item in rows if group == "lab"]
        items += [Item("", "Labs"), *(item for group, item in rows if group == "labs")]
        with self._desk.telling():
            for draft in work.standing():
                name = draft.lab.name
                if name != lab:
                    items.append(Item("", f"Open lab {name}  {draft.lab.spec.title}", partial(self._desk.open, name)))
        if stage.source is not stage.home:
            back = partial(self._desk.look_at, stage.home, None)
            items.append(Item("", f"Back to {stage.home.title}", back))

        def chosen(key: object) -> None:
            if callable(key):
                key()
            else:
                app.call_later(app.run_action, BY_ID[str(key)].call)

        app.push_screen(Menu("Labs", items, chosen))

    def gallery(self) -> None:
        """Chooses a lab of the gallery."""
        items = []
        for name in library.names():
            spec = lifecycle.draft(library.text(name), name).lab.spec
            items.append(Item("", f"{name:<18} {spec.title}", name, (spec.story, shape(spec))))
        self._desk.app.push_screen(
            Menu("Gallery", items, lambda name: self._desk.plan(partial(work.from_gallery, str(name))))
        )

    def form(self, again: Typed = UNTYPED) -> None:
        """A lab by a form."""

        def filled(found: forms.Values) -> None:
            def make() -> Work:
                with work.refusing():
                    return work.from_text(forms.new_lab(found), found["lab"])

            self._desk.plan(make, lambda reason: self.form((reason, found)))

        def drafted(found: forms.Values) -> object:
            return lifecycle.draft(forms.new_lab(found), found["lab"])

        self._desk.ask_by_form("A new lab", forms.NEW_LAB, drafted, filled, again)

    def file(self) -> None:
        """A lab of a Compose file."""
        self._prompts.ask_file("build", "compose.yaml", lambda name: self._desk.plan(partial(work.from_file, name)))

    def save(self) -> None:
        """Writes the lab as a Compose file."""
        name = self._desk.lab

        def save(path: Path) -> None:
            with self._desk.telling():
                self._desk.app.notify(work.save_to(name, path), title="Lab saved.", timeout=6)

        if self._desk.is_lab():
            self._prompts.ask_file("save lab to", f"{name}.yaml", save)

    def add(self, what: str, again: Typed = UNTYPED) -> None:
        """One more of something in this lab, by a form."""
        if not self._desk.is_lab():
            return
        name, (title, fields, (meaning, words)) = self._desk.lab, FORMS[what]

        def filled(found: forms.Values) -> None:
            make = partial(work.edit, name, words.format(**found), *meaning(found))
            self._desk.plan(make, lambda reason: self.add(what, (reason, found)))

        with self._desk.telling():
            lab = work.stands(name).lab
            offered = fields(lab, self._selected(lab)) if what == "publish" else fields(lab)

            def drafted(found: forms.Values) -> object:
                return lifecycle.draft(edits.pinned(lab, *meaning(found)), name)

            self._desk.ask_by_form(f"{title} · lab {name}", offered, drafted, filled, again)

    def remove(self) -> None:
        """One less of something in this lab."""
        if self._desk.is_lab():
            with self._desk.telling():
                found = forms.removals(work.stands(self._desk.lab).lab)
                items = [Item("", f"Remove {words}", number) for number, (words, _) in enumerate(found)]
                name = self._desk.lab

                def chosen(number: object) -> None:
                    words, edit = found[int(str(number))]
                    self._desk.plan(partial(work.edit, name, f"Remove {words}", edit))

                self._desk.app.push_screen(Menu(f"Remove · lab {name}", items, chosen, "It is empty."))

    def break_it(self) -> None:
        """Puts a fault into this lab."""
        if self._desk.is_lab():
            with self._desk.telling():
                name = self._desk.lab
                lab = work.stands(name).lab
                fitting = [fault for fault in faults.FAULTS.values() if faults.fits(fault, lab)]
                items = [Item("", fault.name, fault.name, (fault.story,)) for fault in fitting]
                self._desk.app.push_screen(
                    Menu(
                        f"Break lab {name}",
                        items,
                        lambda fault: self._desk.plan(partial(work.break_it, name, str(fault))),
                    )
                )

    def mend(self) -> None:
        """Takes all faults of this lab back."""
        if self._desk.is_lab():
            self._desk.plan(partial(work.mend, self._desk.lab))

    def down(self) -> None:
        """Removes this lab."""
        if self._desk.is_lab():
            self._desk.plan(partial(work.down, self._desk.lab), leaves=True)

    def _selected(self, lab: Blueprint) -> str:
        """The container that is selected in the topology."""
        node = self._desk.stage.panes.topology.selected
        netns = node.ref.netns if node is not None and node.ref is not None else ""
        return next((one.name for one in lab.nodes if one.netns == netns), "")
