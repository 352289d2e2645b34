"""Texts of restore programs, of which as much is loaded as the kernel takes: how a stranger's rules are rebuilt.

Sources: nft(8), iptables-restore(8), ebtables-nft(8), arptables-nft-restore(8), ipset(8), conntrack(8).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from engine.model.plan import Change
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass

#: How each program says which line it does not take.
_XTABLES = re.compile(r"line:? (\d+)")
NFT = ("nft", "-f", "-")
IPSET = ("ipset", "-exist", "restore")
CONNTRACK = ("conntrack", "-R", "-")
LOADERS: Mapping[Argv, re.Pattern[str]] = {
    NFT: re.compile(r"/dev/stdin:(\d+):"),
    IPSET: re.compile(r"Error in line (\d+)"),
    CONNTRACK: re.compile(r"line (\d+)"),
    ("iptables-nft-restore", "--noflush"): _XTABLES,
    ("ip6tables-nft-restore", "--noflush"): _XTABLES,
    ("iptables-legacy-restore", "-w", "--noflush"): _XTABLES,
    ("ip6tables-legacy-restore", "-w", "--noflush"): _XTABLES,
    ("ebtables-nft-restore",): _XTABLES,
    ("arptables-nft-restore",): _XTABLES,
}


@dataclass(frozen=True, slots=True)
class Restore(Change):
    """Lines for a restore program, in a new namespace. A line that is refused is left out, and noted.

    `loader` is one of `LOADERS`. A line that is no rule or entry of its own (`*filter`, `chain INPUT {`) cannot be left
    out alone: then nothing of the text is loaded.
    """

    netns: str
    loader: Argv
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.loader not in LOADERS:
            raise ValueError(f"{self.loader} restores nothing here")

    @property
    def text(self) -> str:
        """What the program reads."""
        return "".join(f"{line}\n" for line in self.lines)

    def refused(self, said: str) -> frozenset[int]:
        """The lines that a program's complaint is about, counted from 0."""
        found = (int(number) - 1 for number in LOADERS[self.loader].findall(said))
        return frozenset(number for number in found if 0 <= number < len(self.lines))

    def without(self, numbers: Iterable[int]) -> Restore:
        """The same without some lines."""
        gone = {*numbers}
        kept = tuple(line for number, line in enumerate(self.lines) if number not in gone)
        return Restore(self.netns, self.loader, kept)

    def argv(self, where: Where) -> Argvs:
        """The program with the text as its input, by a shell."""
        script = f"{shlex.join(self.loader)} <<'END'\n{self.text}END"
        return ((*where.enter(self.netns), "sh", "-c", script),)
