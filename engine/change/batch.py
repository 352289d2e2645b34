"""Many commands of iproute2 by one process (`ip -batch`): how a namespace that has hundreds of them is built quickly.

A line holds plain words, which no reader of lines takes for anything else: neither quotes, comments nor options.
Source: ip(8), bridge(8), -batch and -force.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from engine.model.plan import Change
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass

#: A word of a line: printable, without the quotes, comments and escapes of a batch.
WORD = re.compile(r"[!$-&(-\[\]-~]+")
PROGRAMS = (("ip",), ("ip", "-6"), ("bridge",))


def line_of(words: Iterable[str]) -> str:
    """The words as a line. Raises ValueError for one that a batch would read otherwise."""
    found = [*words]
    for word in found:
        if not WORD.fullmatch(word):
            raise ValueError(f"{word!r} is no word of a batch")
    return " ".join(found)


@dataclass(frozen=True, slots=True)
class Batch(Change):
    """Commands of one program, made in order. What the kernel refuses of them is left out, and noted by its line.

    `program` is one of `PROGRAMS`; `lines` are made by `line_of`.
    """

    netns: str
    program: Argv
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.program not in PROGRAMS:
            raise ValueError(f"{self.program} has no batch here")

    @property
    def loader(self) -> Argv:
        """The program that reads the lines at its standard input."""
        return (*self.program, "-force", "-batch", "-")

    @property
    def text(self) -> str:
        """What it reads."""
        return "".join(f"{line}\n" for line in self.lines)

    def argv(self, where: Where) -> Argvs:
        """The program with the lines as its input, by a shell."""
        script = f"{shlex.join(self.loader)} <<'END'\n{self.text}END"
        return ((*where.enter(self.netns), "sh", "-c", script),)
