"""The one table of what a user can do: id, keys, title, handler. Key bindings, help and palette are made from it.

An action is listed when it works. `shown` puts it into the footer; the order here is the order there.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from enum import Flag, auto
from functools import cache, reduce
from operator import and_
from types import MappingProxyType

from textual.binding import Binding, BindingType

from engine.records import dataclass, replace


class Need(Flag):
    """What an action needs to be there for the user."""

    NOTHING = 0
    #: A host or a lab that changes, not a file.
    LIVE = auto()
    #: A source on which fixes may be applied.
    WRITABLE = auto()
    #: A workbench without --read-only, as it sends, writes or changes something.
    CHANGING = auto()
    #: No round of the dojo, whose answer it would show.
    NO_ROUND = auto()


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do. `handler` is the action string of the app; `short` is its word in the footer.

    `help` is its line in the help, where that is not the title; None puts its keys into the line before. `menu` is its
    letter in the menu of labs, `group` the part of it: "lab" for what is done to the lab that is shown. Without keys it
    is in the menu and the palette alone. Without what it `needs` it cannot be chosen.
    """

    id: str
    keys: str
    title: str
    handler: str
    short: str = ""
    palette: bool = True
    help: str | None = ""
    group: str = ""
    menu: str = ""
    needs: Need = Need.NOTHING

    def binding(self) -> Binding:
        """The key binding. Only `tab` has priority: a pane would keep it for itself."""
        return Binding(
            self.keys,
            self.handler,
            self.short or self.title,
            show=bool(self.short),
            priority=self.keys.startswith("tab"),
            id=self.id,
        )

    def with_keys(self, keys: Mapping[str, str]) -> Action:
        """The action with the keys that the user gave it."""
        return replace(self, keys=keys.get(self.id, self.keys))

    def handles(self, name: str, parameters: tuple[object, ...]) -> bool:
        """Whether this row is the one of a handler that is called so, as Textual parses it."""
        handler, _, arguments = self.handler.partition("(")
        return handler == name and (not arguments or literal_eval(f"({arguments.rstrip(')')},)") == parameters)

    @property
    def keys_for_people(self) -> str:
        """The keys by the names on a keyboard."""
        return " ".join(KEY_NAMES.get(key, key) for key in self.keys.split(","))


NO_KEYS: Mapping[str, str] = MappingProxyType({})
ASK_FIRST = "Ask a question first: {why}"
KEY_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "at": "@",
    "plus": "+",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "ctrl+d": "ctrl+d",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "shift+tab": "shift+tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def _lab(menu: str, title: str, name: str, group: str = "lab") -> Action:
    return Action(f"lab.{name}", "", title, f"lab('{name}')", group=group, menu=menu, needs=Need.CHANGING)


#: What is done with labs, in the order of the menu.
LABS = (
    _lab("c", "Add a container", "add.container"),
    _lab("w", "Add a network", "add.network"),
    _lab("p", "Publish a port", "add.publish"),
    _lab("l", "Add a client outside", "add.client"),
    _lab("r", "Remove a container, a network or a published port", "remove"),
    replace(_lab("b", "Break it with a fault of your choice", "break"), keys="b", needs=Need.CHANGING | Need.NO_ROUND),
    replace(_lab("o", "Dojo: find an unknown fault", "dojo"), keys="o"),
    _lab("m", "Fix it: remove all faults", "mend"),
    _lab("s", "Save it as a Compose file", "save"),
    _lab("D", "Remove it", "down"),
    _lab("g", "Build a lab of the gallery", "gallery", "labs"),
    _lab("f", "Build the lab of a Compose file", "file", "labs"),
    _lab("n", "Build a lab by a form: network, container, port, client", "form", "labs"),
)

ACTIONS: tuple[Action, ...] = (
    Action("why", "w", "Ask why a port can or cannot be reached", "why", "why"),
    Action("jump", "enter", "Jump from a step to its rule or link, and back", "jump", "jump"),
    Action("prove", "p", "Prove: send the real packet, and compare", "prove", needs=Need.CHANGING | Need.NO_ROUND),
    Action("everywhere", "e", "Ask from all vantage points", "everywhere", needs=Need.NO_ROUND),
    Action("matrix", "m", "Reachability matrix: every port from every vantage point", "matrix", needs=Need.NO_ROUND),
    Action("export", "x", "Write a report to a file", "export", needs=Need.CHANGING | Need.NO_ROUND),
    Action("copy", "y", "Copy the fix's commands", "copy_fix", "copy", needs=Need.NO_ROUND),
    Action("apply", "a", "Show a fix, and apply it where allowed", "apply_fix", "apply", needs=Need.NO_ROUND),
    Action("log", "at", "Command log", "command_log"),
    Action("notices", "N", "Notification history", "notices"),
    Action("labs", "n", "Labs: build, open, change, break, fix, save, remove", "labs", "labs", needs=Need.CHANGING),
    *LABS,
    Action("filter", "slash", "Filter the pane, or find in the topology", "filter", "filter"),
    Action("pane.1", "1", "Go to the topology", "pane('topology')", help="Go to topology, rules, path, answer"),
    Action("pane.2", "2", "Go to the rule tables", "pane('rules')", help=None),
    Action("pane.3", "3", "Go to the path", "pane('path')", help=None),
    Action("pane.4", "4", "Go to the answer", "pane('answer')", help=None),
    Action(
        "pane.next",
        "tab",
        "Go to the next pane",
        "next_pane(1)",
        palette=False,
        help="Go to the next, the previous pane",
    ),
    Action("pane.previous", "shift+tab", "Go to the previous pane", "next_pane(-1)", palette=False, help=None),
    Action("zoom", "plus", "Maximize the pane, and restore it", "zoom", "zoom"),
    Action("unfold", "space", "Fold or unfold a bridge with many ports", "unfold"),
    Action(
        "time.back",
        "left_square_bracket",
        "Previous moment",
        "step_time(-1)",
        help="Previous, next moment",
        needs=Need.LIVE | Need.NO_ROUND,
    ),
    Action(
        "time.on", "right_square_bracket", "Next moment", "step_time(1)", help=None, needs=Need.LIVE | Need.NO_ROUND
    ),
    Action(
        "changes", "d", "Changes since the previous moment, and until now", "changes", needs=Need.LIVE | Need.NO_ROUND
    ),
    Action(
        "timeline",
        "t",
        "Timeline: all moments, and where the answer flipped",
        "timeline",
        needs=Need.LIVE | Need.NO_ROUND,
    ),
    Action("up", "k,up", "Up", "move(0, -1)", palette=False, help="Move the cursor"),
    Action("down", "j,down", "Down", "move(0, 1)", palette=False, help=None),
    Action("left", "h,left", "Left", "move(-1, 0)", palette=False, help=None),
    Action("right", "l,right", "Right", "move(1, 0)", palette=False, help=None),
    Action("page.up", "ctrl+u,pageup", "Half a page up", "page(-1)", palette=False, help="Half a page up, down"),
    Action("page.down", "ctrl+d,pagedown", "Half a page down", "page(1)", palette=False, help=None),
    Action("first", "g,home", "To the first row", "end(False)", palette=False, help="To the first, the last row"),
    Action("last", "G,end", "To the last row", "end(True)", palette=False, help=None),
    Action("back", "escape", "Back: close what is open, clear the filter", "leave", palette=False),
    Action("theme", "T", "Change the colours", "change_theme"),
    Action("palette", "colon", "Every command, by name", "command_palette", "all", palette=False),
    Action("help", "question_mark", "The keys", "help", "help"),
    Action("quit", "q,ctrl+c", "Leave", "quit", "quit"),
    Action("undo", "z", "Undo the last fix", "undo_fix", "undo", needs=Need.WRITABLE | Need.CHANGING),
    Action("details", "i", "Details of the selected step, rule, node or cause", "details"),
    Action("backend", "v", "Cycle firewall backend", "backend"),
    Action("refresh", "r", "Refresh, with counters", "refresh", "refresh", needs=Need.LIVE),
    Action("freeze", "f", "Freeze this moment, or return to now", "freeze", "freeze", needs=Need.LIVE),
)


@cache
def needs_of(name: str, parameters: tuple[object, ...]) -> Need:
    """What a handler needs, as its row says; with parameters that no row has, what all rows of its name need."""
    rows = [action for action in ACTIONS if action.handler.partition("(")[0] == name]
    exact = [action for action in rows if action.handles(name, parameters)]
    return reduce(and_, [action.needs for action in exact or rows]) if rows else Need.NOTHING


def named(text: str, keys: Mapping[str, str] = NO_KEYS) -> str:
    """A text of ours with the names of keys in it: `{why}` is the first key of that action, as the user has it."""
    found = {action.id: action.with_keys(keys).keys_for_people.partition(" ")[0] for action in ACTIONS}
    return text.format_map(found)


def help_lines(keys: Mapping[str, str] = NO_KEYS) -> list[tuple[str, str]]:
    """Keys and what they do, for the help; `keys` are the user's own."""
    lines: list[tuple[str, str]] = []
    for action in [each.with_keys(keys) for each in ACTIONS]:
        if not action.keys:
            continue
        if action.help is None:
            before, text = lines.pop()
            lines.append((f"{before} {action.keys_for_people}", text))
        else:
            lines.append((action.keys_for_people, action.help or action.title))
    return lines


def bindings(keys: Mapping[str, str] = NO_KEYS) -> list[BindingType]:
    """All key bindings, in the order of the table; `keys` are the user's own."""
    return [action.binding() for action in (each.with_keys(keys) for each in ACTIONS) if action.keys]
