"""Tables of iptables, ip6tables, ebtables and arptables as the texts of their restore programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.change.restore import NFT, Restore
from engine.lab.twin.firewall import safe_rules
from engine.lab.twin.left_out import Omissions
from engine.model.firewall import Backend, Table
from engine.model.where import Argv

COUNTERS = re.compile(r"^\[\d+:\d+\] ?")
LOADERS: Mapping[tuple[Backend, str], Argv] = {
    (Backend.XT_NFT, "ip"): ("iptables-nft-restore", "--noflush"),
    (Backend.XT_NFT, "ip6"): ("ip6tables-nft-restore", "--noflush"),
    (Backend.XT_LEGACY, "ip"): ("iptables-legacy-restore", "-w", "--noflush"),
    (Backend.XT_LEGACY, "ip6"): ("ip6tables-legacy-restore", "-w", "--noflush"),
    (Backend.NFT, "bridge"): ("ebtables-nft-restore",),
    (Backend.NFT, "arp"): ("arptables-nft-restore",),
}


def loader(table: Table) -> Argv | None:
    """The restore program of a table whose rules are in that format; None where none is known."""
    return LOADERS.get((table.backend, table.family))


def restored(origin: str, netns: str, table: Table, out: Omissions) -> Iterator[Restore]:
    """A table as a restore text, and the rules that nft added to it at their places; nothing where it can't be told."""
    program = loader(table)
    if program is None or not safe_rules.NAME.fullmatch(table.name):
        why = f"no restore program for the {table.family} tables of {table.backend} is used here"
        out.leave(origin, f"table {table.family} {table.name}", why, "packets do not meet its rules")
        return
    heads, rules = [f"*{table.name}"], list[str]()
    for chain in table.chains:
        if not safe_rules.NAME.fullmatch(chain.name):
            out.leave(origin, f"chain {chain.name}", "its name is no plain word", "packets do not meet its rules")
            continue
        policy = "-" if chain.base is None else str(chain.base.policy).upper()
        if program[0].startswith(("ebtables", "arptables")) and policy == "-":
            policy = "ACCEPT"
        heads.append(f":{chain.name} {policy}" + ("" if program[0].startswith("ebtables") else " [0:0]"))
        for rule in chain.rules:
            line = COUNTERS.sub("", rule.text.strip())
            if of_nft(line, table):
                continue
            refused = safe_rules.restore_rule(line, chain.name)
            if refused is None:
                rules.append(line)
            else:
                out.leave(origin, f"rule {line}", refused, "packets do not meet it")
    yield Restore(netns, program, (*heads, *rules, "COMMIT"))
    added = tuple(_added(origin, table, out))
    if added:
        yield Restore(netns, NFT, added)


def of_nft(line: str, table: Table) -> bool:
    """Whether a rule of a table that iptables or ebtables made was added by nft."""
    return table.backend is not Backend.XT_LEGACY and not line.startswith("-A ")


def _added(origin: str, table: Table, out: Omissions) -> Iterator[str]:
    """nft's own rules in a table, each at its place: those before it are there by then."""
    for chain in table.chains:
        place = f"{table.family} {table.name} {chain.name}"
        for number, rule in enumerate(chain.rules):
            line = rule.text.strip()
            if not of_nft(COUNTERS.sub("", line), table):
                continue
            refused = safe_rules.nft_rule(line)
            if refused is not None or not safe_rules.NFT_NAME.fullmatch(chain.name):
                out.leave(origin, f"rule {line}", refused or "its chain is no plain word", "packets do not meet it")
            else:
                yield f"add rule {place} index {number - 1} {line}" if number else f"insert rule {place} {line}"
