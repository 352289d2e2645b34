"""What is done with the selected thing: a page of all that is known of it, and what `space` means for it."""

from __future__ import annotations

from engine.model.ref import RefKind
from engine.observe.base.errors import words_for
from engine.observe.naming.file_lines import lines_of
from views.text import Line, Role, Span, clip
from workbench.controllers.packet_walk import PacketWalk
from workbench.controllers.stage import Stage
from workbench.controllers.suppositions import Suppositions
from workbench.controllers.thinking import Thinking
from workbench.screen.dialogs import Dialog
from workbench.screen.panes import Panes
from workbench.session.describing import Described, describe

#: Lines of a file above the one that is meant, and all that are shown.
ABOVE, MOST_LINES = 8, 400


class Selected:
    """The thing under the cursor of the current pane."""

    def __init__(self, stage: Stage, thinking: Thinking, suppositions: Suppositions, walk: PacketWalk) -> None:
        self._stage, self._thinking, self._suppositions, self._walk = stage, thinking, suppositions, walk

    def details(self) -> None:
        """Shows all about what is selected. A page about a node takes a moment to think."""
        panes, node = self._stage.panes, self._stage.panes.topology.selected
        snapshot = panes.snapshot
        if panes.current == "topology" and snapshot is not None and node is not None and node.ref is not None:
            ref, alone = node.ref, panes.cut_off(node)
            self._thinking.start(lambda told, stop: describe(snapshot, ref, alone, told, stop))
            return
        lay = panes.details()
        if lay is None:
            self._stage.say("Select a step, a rule, a node or a cause first.")
        else:
            self._stage.app.push_screen(Dialog("Details", "↑ ↓ scroll · esc closes", lay))

    def described(self, event: Described) -> None:
        """Shows the page."""
        self._stage.app.push_screen(Dialog("Details", "↑ ↓ scroll · / filters · esc closes", event.lay))

    def file(self, event: Panes.FileChosen) -> None:
        """Shows the file that an answer points to, from a little above its line; of another host only its name."""
        ref, snapshot = event.ref, self._stage.panes.snapshot
        path, line = str(ref.key[0]), int(ref.key[1] or 1)
        if snapshot is None or not self._stage.source.live:
            self._stage.say(f"{ref.name} is a file of that host, seen in {ref.netns}.")
            return
        try:
            found = lines_of(snapshot, ref)
        except OSError as error:
            self._stage.say(f"{path} cannot be read: {words_for(error)}")
            return
        shown = found[max(line - ABOVE, 0) :][:MOST_LINES]

        def lay(width: int) -> list[Line]:
            role = {line: Role.WARN}
            return [
                Line((Span(f"{number:>5}  ", Role.DIM), Span(clip(text, width - 8), role.get(number, Role.PLAIN))))
                for number, text in shown
            ]

        self._stage.app.push_screen(Dialog(ref.name, "↑ ↓ scroll · / filters · esc closes", lay))

    def act(self) -> None:
        """Supposes that what is selected is off, or on. In the topology that is a device; a bridge with many ports is
        folded or unfolded there, and without a device the packet walks."""
        panes, node = self._stage.panes, self._stage.panes.topology.selected
        if panes.current != "topology":
            self._suppositions.switch()
        elif not panes.topology.unfold():
            device = node is not None and node.ref is not None and node.ref.kind is RefKind.LINK
            (self._suppositions.switch if device else self._walk.play)()
