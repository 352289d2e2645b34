"""What the user has set, and what is remembered: TOML files in the places of the XDG Base Directory Specification.

$XDG_CONFIG_HOME/portscope/config.toml is the user's and only read: a theme, ASCII or not, a bell, and keys by the id of
their action (`portscope config` prints it with everything in it). $XDG_STATE_HOME/portscope/state.toml is ours: the
theme that was chosen last, and whether the tour was seen. A file of the user's that is wrong is told, never guessed at;
a lost state is no loss.
"""

from __future__ import annotations

import difflib
import os
import tomllib
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.read_only import ReadOnly, may
from engine.records import dataclass, field
from workbench.actions import ACTIONS
from workbench.exits import Refusal, usage

#: Set to anything but "" or "0", glyphs are ASCII.
ASCII_VARIABLE = "PORTSCOPE_ASCII"
MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
#: Terminals whose fonts have no marks beside lines.
POOR_TERMINALS = ("linux", "vt100", "vt220")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the workbench looks and which keys it has. An empty theme is Textual's own; `keys` are by action id; with
    `bell` it rings when the answer flips; without `toured` the user has not seen the tour.

    `read_only` is no setting of a file: it takes away whatever changes, sends or writes something.
    """

    theme: str = ""
    ascii: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    bell: bool = False
    toured: bool = True


def folder(variable: str, default: str) -> Path:
    """A folder of ours in one of XDG's places. A relative path there does not count, says the specification."""
    base = os.environ.get(variable, "")
    return (Path(base) if os.path.isabs(base) else Path.home() / default) / "portscope"


def config_file() -> Path:
    """The user's settings."""
    return folder("XDG_CONFIG_HOME", ".config") / "config.toml"


def state_file() -> Path:
    """What is remembered."""
    return folder("XDG_STATE_HOME", ".local/state") / "state.toml"


def load() -> Settings:
    """The settings in force. Raises `Refusal` for a file that is wrong."""
    path = config_file()
    given = _read(path)
    keys = _keys(path, given.pop("keys", {}))
    theme, glyphs, bell = given.pop("theme", ""), given.pop("ascii", None), given.pop("bell", False)
    if given:
        raise _wrong(path, f"{next(iter(given))} is not a setting", "there are theme, ascii, bell and keys")
    if not isinstance(theme, str) or not isinstance(glyphs, bool | None) or not isinstance(bell, bool):
        raise _wrong(path, "theme is a text, ascii and bell are true or false", "correct it")
    if theme and theme not in known_themes():
        raise _wrong(path, f"no theme {theme}", f"there are {', '.join(known_themes())}")
    known, toured = _remembered()
    return Settings(theme or known, poor_terminal() if glyphs is None else glyphs, keys, bell=bell, toured=toured)


def known_themes() -> tuple[str, ...]:
    """The names of the themes."""
    from textual.theme import BUILTIN_THEMES  # noqa: PLC0415 - only a screen needs them

    return tuple(BUILTIN_THEMES)


def poor_terminal() -> bool:
    """Whether the terminal has ASCII alone: as it is asked for, else by the charset of the locale, or by its kind."""
    asked = os.environ.get(ASCII_VARIABLE, "")
    if asked:
        return asked != "0"
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    charset = locale.partition("@")[0].partition(".")[2].lower().replace("-", "")
    plain = locale in ("C", "POSIX") or (charset and charset != "utf8")
    return bool(plain) or os.environ.get("TERM", "") in POOR_TERMINALS


def remember(theme: str, *, toured: bool) -> None:
    """Keeps the theme, and that the tour was seen, for the next time, where that is possible."""
    path = state_file()
    with suppress(OSError, ReadOnly):
        may(f"write {path}")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(f'theme = "{theme}"\ntoured = {str(toured).lower()}\n', encoding="utf-8")


def template() -> str:
    """A file with every setting at its default."""
    lines = ["# Settings of portscope's workbench. What is left out is as it is here.", f"# {config_file()}", ""]
    lines += ['# theme = "textual-dark"  # ' + ", ".join(known_themes()), "# ascii = false"]
    lines += ["# bell = false  # rings when the answer flips", "", "[keys]"]
    for action in ACTIONS:
        lines.append(f'# "{action.id}" = "{action.keys}"  # {action.title}')
    return "\n".join(lines) + "\n"


def _remembered() -> tuple[str, bool]:
    with suppress(Refusal):
        state = _read(state_file())
        theme = state.get("theme", "")
        return theme if theme in known_themes() else "", state.get("toured") is True
    return "", True


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise usage(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it is not TOML ({error})", "correct it, or move it away") from error


def _keys(path: Path, given: Any) -> dict[str, str]:
    """Keys by action id, where no key has two meanings."""
    known = {action.id: action.keys for action in ACTIONS}
    if not isinstance(given, dict) or not all(isinstance(keys, str) for keys in given.values()):
        raise _wrong(path, "keys is a table of texts", '"why" = "w" is an example')
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]}?" if near else "'portscope config' lists them"
            raise _wrong(path, f"no action {name}", remedy)
    taken: dict[str, str] = {}
    for name, keys in {**known, **given}.items():
        for key in filter(None, keys.split(",")):
            if name in given and not is_key(key):
                raise _wrong(path, f"there is no key {key!r} for {name}", "w, f2, ctrl+x, question_mark are examples")
            if taken.setdefault(_whole(key), name) != name:
                raise _wrong(path, f"{key} would be {taken[_whole(key)]} and {name}", "give one of them another key")
    return dict(given)


def _whole(key: str) -> str:
    """A key by one of its names: `?` is question_mark."""
    from textual.keys import _character_to_key  # noqa: PLC0415 - only a screen needs it

    return _character_to_key(key) if len(key) == 1 else key


def is_key(key: str) -> bool:
    """Whether that is a key: a character, Textual's word for one, or the name of another, after ctrl+, shift+, alt+."""
    from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys  # noqa: PLC0415 - only a screen needs them

    *modifiers, name = key.split("+")
    if len(name) == 1 or name in {*KEY_NAME_REPLACEMENTS.values(), *(each.value for each in Keys)}:
        return set(modifiers) <= MODIFIERS
    try:
        unicodedata.lookup(KEY_TO_UNICODE_NAME.get(name, name).replace("_", " "))
    except KeyError:
        return False
    return set(modifiers) <= MODIFIERS


def _wrong(path: Path, problem: str, remedy: str) -> Refusal:
    return usage(f"{path}: {problem}; {remedy}")
