"""Hands: a shell in the selected namespace, a capture of the packets there, and the answer for an issue.

A shell or a capture has the terminal until it ends; both are noted in the command log.
"""

from __future__ import annotations

import os
import shlex

from textual.app import SuspendNotSupported

from engine.model.host import Snapshot
from engine.model.ref import Ref, RefKind
from engine.model.where import Argv
from views.reports.markdown import answer_document
from workbench.controllers.stage import Stage
from workbench.screen.menu import Item, Menu
from workbench.session.capture import capture, entered, in_wireshark
from workbench.session.lending import lend, missing

#: The device that stands for all of them (tcpdump(1), -i).
ALL_DEVICES = "any"


class Hands:
    """What a person would do beside the workbench."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def shell(self) -> None:
        """Runs the user's shell in the selected namespace, until it ends."""
        snapshot = self._stage.panes.snapshot
        if snapshot is not None:
            netns, _ = self._place(snapshot)
            words = self._words(snapshot, netns, os.environ.get("SHELL") or "/bin/sh")
            if words:
                self._run(words, f"a shell in {netns}")

    def capture(self) -> None:
        """Offers to capture the packets in the selected namespace."""
        snapshot, verdict = self._stage.panes.snapshot, self._stage.panes.verdict
        if snapshot is None:
            return
        netns, device = self._place(snapshot)
        try:
            argv, line = capture(snapshot, netns, device, verdict), in_wireshark(snapshot, netns, device, verdict)
        except ValueError as error:
            self._stage.app.notify(str(error), severity="warning", timeout=6)
            return
        command = shlex.join(argv)
        items = [
            Item("t", "Run tcpdump here; ctrl+c ends it", "run"),
            Item("y", f"Copy  {command}", command),
            Item("w", f"Copy  {line}", line),
        ]

        def chosen(key: object) -> None:
            if key == "run":
                self._run(argv, f"a capture in {netns}")
            else:
                self._stage.app.copy_to_clipboard(str(key))
                self._stage.app.notify(str(key), title="Copied. Nothing was run.", timeout=6)

        live = self._stage.source.live
        self._stage.app.push_screen(Menu(f"Capture in {netns}", items if live else items[1:], chosen, ""))

    def issue(self) -> None:
        """Copies the answer as Markdown."""
        snapshot, verdict = self._stage.panes.snapshot, self._stage.answer()
        if snapshot is None or verdict is None:
            return
        self._stage.app.copy_to_clipboard(answer_document(verdict, snapshot))
        self._stage.app.notify("The answer is on the clipboard, as Markdown.", timeout=4)

    def _place(self, snapshot: Snapshot) -> tuple[str, str]:
        """The namespace of what is selected, and the device where it is one."""
        panes = self._stage.panes
        ref = panes.pointed()
        if panes.current == "rules":
            return panes.rules.netns or snapshot.host, ALL_DEVICES
        if ref is None and panes.current == "path" and (found := panes.step()) is not None:
            return found[1].netns, ALL_DEVICES
        netns = ref.netns if ref is not None and ref.netns in snapshot.by_id else snapshot.host
        return netns, _device(snapshot, ref)

    def _words(self, snapshot: Snapshot, netns: str, *words: str) -> Argv:
        """The words that run a program there; () where that cannot be, which is said."""
        try:
            return entered(snapshot, netns, *words)
        except ValueError as error:
            self._stage.app.notify(str(error), severity="warning", timeout=6)
            return ()

    def _run(self, argv: Argv, what: str) -> None:
        """Gives the terminal to a program until it ends, and notes it."""
        if name := missing(argv):
            self._stage.app.notify(f"{name} is not installed.", severity="warning", timeout=6)
            return
        self._stage.done.add([shlex.join(argv)], what)
        try:
            with self._stage.app.suspend():
                ended = lend(argv, what)
        except SuspendNotSupported:
            self._stage.app.copy_to_clipboard(shlex.join(argv))
            self._stage.say("No terminal here for it; the command is copied.")
            return
        self._stage.app.notify(f"{what.capitalize()} ended ({ended}).", timeout=3)


def _device(snapshot: Snapshot, ref: Ref | None) -> str:
    if ref is None or ref.kind is not RefKind.LINK or not ref.key or ref.netns not in snapshot.by_id:
        return ALL_DEVICES
    link = snapshot.by_id[ref.netns].links_by_index.get(int(ref.key[0]))
    return link.name if link is not None else ALL_DEVICES
