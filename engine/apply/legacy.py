"""Writes iptables-legacy rules by python-iptables.

Run as `python -m engine.apply.legacy ip|ip6` inside the namespace that the rules are for, with whole tables as
iptables-save writes them at standard input. Each table is replaced in one transaction. What cannot be written this way
is left to iptables-legacy-restore: then nothing is changed, and a line on standard output says why.

Guards against what python-iptables 1.2.0 is known for:
1. Rows of libxtables' option tables have grown with 1.8.11, and are found at their old size: all but the first option
   of a match would be unknown, or another one be set. The size is asked of a table that is known; where it is none of
   those that there have been, nothing is written.
2. Only objects are used, which refuse a wrong word. `iptc.easy` leaves it out, which gives a broader rule.
3. A table's handle belongs for ever to the namespace in which it was opened: a process writes in one namespace.
4. What was written is read back by iptables-legacy-save and compared.
Source: https://github.com/ldx/python-iptables, issues 353 and 358; xtables.h of iptables.
"""

from __future__ import annotations

import ctypes
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.programs import environment

#: More rules than this take seconds.
MOST_RULES = 500
#: Sizes in bytes that a row of libxtables' option tables has had.
ROW_SIZES = (48, 56, 64)
#: Two strings of one library are not further apart.
LIBRARY_SIZE = 1 << 20
OPTIONS = {"-s": "src", "-d": "dst", "-i": "in_interface", "-o": "out_interface", "-p": "protocol"}


@dataclass(slots=True)
class TableText:
    """A table as text: policies of its chains ("-" for one that is not built in), and its rules in order."""

    name: str
    chains: dict[str, str] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)


def tables(text: str) -> list[TableText]:
    """The tables of an iptables-save text. Raises ValueError for a line that is none of its."""
    found: list[TableText] = []
    for line in text.splitlines():
        if line.startswith("*"):
            found.append(TableText(line[1:].strip()))
        elif line.startswith(":") and found:
            chain, policy = line[1:].split()[:2]
            found[-1].chains[chain] = policy
        elif line.startswith("-A ") and found:
            found[-1].rules.append(line)
        elif line.strip() not in ("", "COMMIT") and not line.startswith("#"):
            raise ValueError(f"not a line of iptables-save: {line}")
    return found


def options(words: Sequence[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """The options of a rule: name, whether it is negated, and its values."""
    negated, at = False, 0
    while at < len(words):
        if words[at] == "!":
            negated, at = True, at + 1
            continue
        end = at + 1
        while end < len(words) and words[end] != "!" and not words[end].startswith("-"):
            end += 1
        yield words[at], negated, list(words[at + 1 : end])
        negated, at = False, end


def build(rule: Any, line: str) -> None:
    """Makes an empty rule object what a line says. Raises ValueError, or what the object raises."""
    part: Any = None
    for name, negated, values in options(shlex.split(line)[2:]):
        sign = ["!"] if negated else []
        if name in OPTIONS:
            setattr(rule, OPTIONS[name], "".join([*sign, *values]))
        elif name == "-m":
            part = rule.create_match(*values)
        elif name == "-j":
            part = rule.create_target(*values)
        elif name.startswith("--") and part is not None:
            part.set_parameter(name[2:], [*sign, *values])
        else:
            raise ValueError(f"{name} is not an option that can be written: {line}")


def row_size(iptc: Any) -> int | None:
    """The size of a row of libxtables' option tables; None where it is none that is known."""
    rows = iptc.Match(iptc.Rule(), "addrtype")._module.x6_options
    start = ctypes.addressof(rows.contents)
    first = ctypes.c_void_p.from_address(start).value or 0
    for size in ROW_SIZES:
        second = ctypes.c_void_p.from_address(start + size).value or 0
        if abs(second - first) < LIBRARY_SIZE and ctypes.string_at(second) == b"dst-type":
            return size
    return None


def use_row_size(size: int) -> None:
    """Has python-iptables find options in rows of a size."""
    from iptc import xtables  # noqa: PLC0415 - see `refusal`

    def lookup(_self: Any, rows: Any, name: bytes) -> Any:
        at = ctypes.addressof(rows.contents)
        while (row := xtables.xt_option_entry.from_address(at)).name:
            if row.name == name:
                return row
            at += size
        return None

    xtables.xtables._option_lookup = lookup


def refusal(wanted: Sequence[TableText]) -> str:
    """Why rules are not written this way; "" where they can be, and python-iptables is ready to."""
    count = sum(len(table.rules) for table in wanted)
    if count > MOST_RULES:
        return f"{count} rules are too many for python-iptables"
    try:
        import iptc  # noqa: PLC0415 - it may be missing, and is compiled where it is installed
    except ImportError:
        return "python-iptables is not installed"
    except Exception as error:  # whatever stops it: it looks for libraries and programs of the machine
        return f"python-iptables cannot be loaded: {error}"
    size = row_size(iptc)
    if size is None:
        return "python-iptables does not know this libxtables"
    use_row_size(size)
    return ""


def write(wanted: TableText, family: str) -> None:
    """Replaces a table in one transaction. Raises ValueError, or what iptc raises; then it is as it was."""
    import iptc  # noqa: PLC0415 - see `refusal`

    table_type, rule_type = (iptc.Table6, iptc.Rule6) if family == "ip6" else (iptc.Table, iptc.Rule)
    table = table_type(wanted.name, autocommit=False)
    table.flush()
    for chain, policy in wanted.chains.items():
        if policy == "-":
            table.create_chain(chain)
        else:
            table.set_policy(chain, policy)
    for line in wanted.rules:
        chain = iptc.Chain(table, line.split()[1])
        rule = rule_type(chain=chain)
        build(rule, line)
        chain.append_rule(rule)
    table.commit()
    table.refresh()  # whether a target is a chain is asked of every table's handle, which a commit uses up


def differing(wanted: TableText, family: str) -> str:
    """The first line that the kernel has otherwise, "" for none."""
    program = "ip6tables-legacy-save" if family == "ip6" else "iptables-legacy-save"
    said = subprocess.run(
        [program, "-t", wanted.name], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    (there,) = tables(said)
    if there.chains != wanted.chains:
        return f"the chains of {wanted.name} are {', '.join(there.chains)}"
    pairs = zip([*there.rules, "nothing"], [*wanted.rules, "nothing"], strict=False)
    return next((f"{one} instead of {other}" for one, other in pairs if one.split() != other.split()), "")


def main(arguments: Sequence[str]) -> int:
    """Writes the tables at standard input."""
    (family,) = arguments
    wanted = tables(sys.stdin.read())
    if said := refusal(wanted):
        sys.stdout.write(said)
        return 0
    try:
        for table in wanted:
            write(table, family)
            if said := differing(table, family):
                raise ValueError(f"python-iptables wrote {said}")
    except Exception as error:  # iptc raises what ctypes, libxtables and it itself raise
        sys.stderr.write(f"{error}; without python-iptables rules are written by iptables-legacy-restore\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
