"""Whole rulesets, loaded as a text in a backend's own restore format.

A text's rules must all be in their chain, in their order; what stands between them is somebody else's. Counters are no
part of what a rule says. Sources: iptables-restore(8), nft(8).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from engine.model.firewall import XT_PROGRAMS, XT_SUFFIX, Backend, Chain, Firewall, Table, VerdictKind
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass

COUNTED = re.compile(r"counter packets \d+ bytes \d+")
PREFIX = re.compile(r"^\[\d+:\d+\] ")
TABLE = re.compile(r"^table (\w+) ([\w-]+) \{", re.MULTILINE)
CHAIN = re.compile(r"\s*chain (\S+) \{")
HOOKED = re.compile(r"type \w+ hook .*; policy (\w+);")


@dataclass(frozen=True, slots=True)
class LoadRules(Change):
    """Adds rules in a backend's own restore format, in one transaction (`nft -f`, `iptables-restore -n`).

    `family` chooses iptables (ip) or ip6tables (ip6); nft's text names its families itself. With `replace` the
    tables that the text names are what it says afterwards, and nothing else.
    """

    netns: str
    backend: Backend
    text: str
    family: str = "ip"
    replace: bool = False

    def argv(self, where: Where) -> Argvs:
        """The restore program with the text as its input, by a shell."""
        script = f"{shlex.join(self.loader)} <<'END'\n{self.load_text.rstrip()}\nEND"
        return ((*where.enter(self.netns), "sh", "-c", script),)

    @property
    def loader(self) -> Argv:
        """The program that loads `load_text` from its standard input.

        It adds to what is there; with `replace` the tables in the text are replaced.
        """
        if self.backend is Backend.NFT:
            return ("nft", "-f", "-")
        wait = ("-w",) if self.backend is Backend.XT_LEGACY else ()
        keep = () if self.replace else ("--noflush",)
        return (f"{XT_PROGRAMS[self.family]}-{XT_SUFFIX[self.backend]}-restore", *wait, *keep)

    @property
    def saver(self) -> Argv:
        """The program that prints an iptables backend's rules as its restore program reads them."""
        return (f"{XT_PROGRAMS[self.family]}-{XT_SUFFIX[self.backend]}-save",)

    @property
    def load_text(self) -> str:
        """The text for `loader`: nft replaces a table that is declared, deleted and declared again."""
        return f"{self.emptied}{self.text}" if self.backend is Backend.NFT and self.replace else self.text

    @property
    def emptied(self) -> str:
        """nft's text that removes the tables of this one, where they are there."""
        return "".join(f"table {name}\ndelete table {name}\n" for name in self.tables)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of nft's text, each with its family ("ip nat")."""
        return tuple(" ".join(found) for found in TABLE.findall(self.text))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the firewall has the tables of the text, with its chains, policies and rules."""
        netns = snapshot.by_id.get(self.netns)
        return netns is not None and _loaded(self, netns.firewall)


def _loaded(change: LoadRules, firewall: Firewall) -> bool:
    """Whether a firewall has the tables of a text, with its chains, policies and rules."""
    read = _nft_chains if change.backend is Backend.NFT else _xt_chains
    for family, table_name, chain_name, policy, rules in read(change):
        table = firewall.table(change.backend, family, table_name)
        chain = _chain(table, chain_name)
        if chain is None:
            # A base chain that says nothing need not be there: the tools do not print an empty table's.
            if policy == "accept" and not rules:
                continue
            return False
        if policy and chain.base is not None and chain.base.policy is not VerdictKind(policy):
            return False
        if not _in_order(rules, (_plain(rule.text) for rule in chain.rules)):
            return False
    return True


def _chain(table: Table | None, name: str) -> Chain | None:
    return table.chain(name) if table else None


def _plain(text: str) -> str:
    return COUNTED.sub("counter", PREFIX.sub("", text.strip()))


def _in_order(wanted: Iterable[str], there: Iterator[str]) -> bool:
    """Whether all wanted lines come in `there` in their order."""
    return all(line in there for line in wanted)


Chains = Iterator[tuple[str, str, str, str, list[str]]]


def _xt_chains(change: LoadRules) -> Chains:
    """Each chain of a text in iptables-save's format: family, table, chain, policy ("" for none), rules."""
    table = ""
    policies: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for line in change.text.splitlines():
        if line.startswith("*"):
            table, policies, rules = line[1:], {}, {}
        elif line.startswith(":"):
            name, policy, *_ = line[1:].split()
            policies[name], rules[name] = ("" if policy == "-" else policy.lower()), []
        elif line.startswith("-A "):
            rules[line.split()[1]].append(line)
        elif line == "COMMIT":
            for name, policy in policies.items():
                yield change.family, table, name, policy, rules[name]


def _nft_chains(change: LoadRules) -> Chains:
    """Each chain of a text as nft lists it."""
    family = table = name = policy = ""
    rules: list[str] | None = None
    for line in change.text.splitlines():
        if found := TABLE.match(line):
            family, table = found[1], found[2]
        elif found := CHAIN.match(line):
            name, policy, rules = found[1], "", []
        elif rules is not None and line.strip() == "}":
            yield family, table, name, policy, rules
            rules = None
        elif rules is not None:
            if hooked := HOOKED.match(line.strip()):
                policy = hooked[1]
            else:
                rules.append(_plain(line))
