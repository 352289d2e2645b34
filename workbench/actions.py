"""The one table of what a user can do: id, keys, title. Key bindings, help and palette are made from it.

What an action does is in the app, by its id. `shown` puts it into the footer; the order here is the order there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Flag, auto
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
    """Something a user can do; `short` is its word in the footer.

    `help` is its line in the help, where that is not the title; None puts its keys into the line before. `menu` is its
    letter in the menu of labs, `group` the part of it: "lab" for what is done to the lab that is shown. Without keys it
    is in the menu and the palette alone. Without what it `needs` it cannot be chosen.
    """

    id: str
    keys: str
    title: str
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
            self.call,
            self.short or self.title,
            show=bool(self.short),
            priority=self.keys.startswith("tab"),
            id=self.id,
        )

    def with_keys(self, keys: Mapping[str, str]) -> Action:
        """The action with the keys that the user gave it."""
        return replace(self, keys=keys.get(self.id, self.keys))

    @property
    def call(self) -> str:
        """What Textual calls for it: the app's one action, with the row's id."""
        return f"do('{self.id}')"

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
    "full_stop": ".",
    "comma": ",",
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
    return Action(f"lab.{name}", "", title, group=group, menu=menu, needs=Need.CHANGING)


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
    Action("why", "w", "Ask why a port can or cannot be reached", "why"),
    Action("jump", "enter", "Jump from a step to its rule or link, and back", "jump"),
    Action("prove", "p", "Prove: send the real packet, and compare", needs=Need.CHANGING | Need.NO_ROUND),
    Action("everywhere", "e", "Ask from all vantage points", needs=Need.NO_ROUND),
    Action("matrix", "m", "Reachability matrix: every port from every vantage point", needs=Need.NO_ROUND),
    Action("export", "x", "Write a report to a file", needs=Need.CHANGING | Need.NO_ROUND),
    Action("copy", "y", "Copy the fix's commands", "copy", needs=Need.NO_ROUND),
    Action("apply", "a", "Show a fix, and apply it where allowed", "apply", needs=Need.NO_ROUND),
    Action("issue", "Y", "Copy the answer as Markdown, for an issue", needs=Need.NO_ROUND),
    Action("shell", "s", "Shell in the selected namespace", needs=Need.LIVE | Need.CHANGING | Need.NO_ROUND),
    Action(
        "capture",
        "c",
        "Capture packets in the selected namespace: tcpdump, or a line for Wireshark",
        needs=Need.NO_ROUND,
    ),
    Action("log", "at", "Command log"),
    Action("notices", "N", "Notification history"),
    Action("labs", "n", "Labs: build, open, change, break, fix, save, remove", "labs", needs=Need.CHANGING),
    *LABS,
    Action("filter", "slash", "Filter the pane, or find in the topology", "filter"),
    Action("pane.1", "1", "Go to the topology", help="Go to topology, rules, path, answer"),
    Action("pane.2", "2", "Go to the rule tables", help=None),
    Action("pane.3", "3", "Go to the path", help=None),
    Action("pane.4", "4", "Go to the answer", help=None),
    Action(
        "pane.next",
        "tab",
        "Go to the next pane",
        palette=False,
        help="Go to the next, the previous pane",
    ),
    Action("pane.previous", "shift+tab", "Go to the previous pane", palette=False, help=None),
    Action("zoom", "plus", "Maximize the pane, and restore it", "zoom"),
    Action(
        "unfold",
        "space",
        "What if: switch a rule, policy, sysctl, device, listener or route off or on, in the model only",
        help="What if it were off, or on? In the topology: play the packet's walk, or fold a bridge",
    ),
    Action("play", "", "Play the packet's walk, and its reply's (space in the topology)"),
    Action("onward", "full_stop", "The packet's next step", help="Step the packet on, back"),
    Action("backward", "comma", "The packet's previous step", help=None),
    Action("whatif", "", "What if: type a change; it is made in the model only", needs=Need.NO_ROUND),
    Action(
        "time.back",
        "left_square_bracket",
        "Previous moment",
        help="Previous, next moment",
        needs=Need.LIVE | Need.NO_ROUND,
    ),
    Action("time.on", "right_square_bracket", "Next moment", help=None, needs=Need.LIVE | Need.NO_ROUND),
    Action("changes", "d", "Changes since the previous moment, and until now", needs=Need.LIVE | Need.NO_ROUND),
    Action(
        "timeline",
        "t",
        "Timeline: all moments, and where the answer flipped",
        needs=Need.LIVE | Need.NO_ROUND,
    ),
    Action("up", "k,up", "Up", palette=False, help="Move the cursor"),
    Action("down", "j,down", "Down", palette=False, help=None),
    Action("left", "h,left", "Left", palette=False, help=None),
    Action("right", "l,right", "Right", palette=False, help=None),
    Action("page.up", "ctrl+u,pageup", "Half a page up", palette=False, help="Half a page up, down"),
    Action("page.down", "ctrl+d,pagedown", "Half a page down", palette=False, help=None),
    Action("first", "g,home", "To the first row", palette=False, help="To the first, the last row"),
    Action("last", "G,end", "To the last row", palette=False, help=None),
    Action("back", "escape", "Back: close what is open, clear the filter", palette=False),
    Action("theme", "T", "Change the colours"),
    Action("palette", "colon", "Every command, by name", "all", palette=False),
    Action("tour", "", "A tour in three sentences"),
    Action("help", "question_mark", "The keys", "help"),
    Action("quit", "q,ctrl+c", "Leave", "quit"),
    Action("undo", "z", "Undo the last fix, or what was supposed last", "undo", needs=Need.WRITABLE | Need.CHANGING),
    Action("details", "i", "Details of the selected step, rule, node or cause"),
    Action("backend", "v", "Cycle firewall backend"),
    Action("refresh", "r", "Refresh, with counters", "refresh", needs=Need.LIVE),
    Action("freeze", "f", "Freeze this moment, or return to now", "freeze", needs=Need.LIVE),
)


BY_ID: Mapping[str, Action] = MappingProxyType({action.id: action for action in ACTIONS})


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
