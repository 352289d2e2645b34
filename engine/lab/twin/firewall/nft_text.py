"""Tables of nft as a script for it, in the order in which the kernel got them, which chains of one priority keep."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.restore import NFT, Restore
from engine.lab.twin.firewall import safe_rules
from engine.lab.twin.firewall.nft_sets import declared
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.link_words import LINK_NAME
from engine.model.firewall import BaseChain, Chain, Table
from engine.model.nft_object import FirewallObject, Flowtable

FAMILIES = frozenset(("ip", "ip6", "inet", "bridge", "arp", "netdev"))


def scripted(origin: str, netns: str, tables: list[Table], out: Omissions) -> Restore | None:
    """Tables as one script; None where there are none to tell."""
    lines: list[str] = []
    for table in tables:
        if table.family not in FAMILIES or not safe_rules.NFT_NAME.fullmatch(table.name):
            why = "its name is no plain word"
            out.leave(origin, f"table {table.family} {table.name}", why, "packets do not meet its rules")
            continue
        lines += [f"table {table.family} {table.name} {{", *_inside(origin, table, out), "}"]
    return Restore(netns, NFT, tuple(lines)) if lines else None


def _inside(origin: str, table: Table, out: Omissions) -> Iterator[str]:
    if "dormant" in table.flags:
        yield "flags dormant;"
    for each in table.objects:
        text = _object(each)
        if text is None:
            out.leave(origin, f"{each.kind} {each.name}", "such an object is not built", "rules with it are missing")
        else:
            yield text
    for flowtable in table.flowtables:
        if (text := _flowtable(flowtable)) is None:
            out.leave(origin, f"flowtable {flowtable.name}", "its name or devices are no plain words")
        else:
            yield text
    for named in table.sets:
        if (text := declared(table, named)) is None:
            why = "what it holds has no form that can be written"
            out.leave(origin, f"set {named.name} of {table.name}", why, "rules with it are missing")
        else:
            yield text
    for chain in table.chains:
        yield from _chain(origin, chain, out)


def _chain(origin: str, chain: Chain, out: Omissions) -> Iterator[str]:
    if not safe_rules.NFT_NAME.fullmatch(chain.name):
        out.leave(origin, f"chain {chain.name}", "its name is no plain word", "packets do not meet its rules")
        return
    yield f"chain {chain.name} {{"
    if chain.base is not None:
        yield _base(chain.base)
    for rule in chain.rules:
        line = rule.text.strip()
        why = safe_rules.nft_rule(line)
        if why is None:
            yield line
        else:
            out.leave(origin, f"rule {line}", why, "packets do not meet it")
    yield "}"


def _base(base: BaseChain) -> str:
    devices = [each for each in base.devices if LINK_NAME.fullmatch(each)]
    names = ", ".join(f'"{each}"' for each in devices)
    where = f" devices = {{ {names} }}" if devices else ""
    return f"type {base.kind} hook {base.hook}{where} priority {base.priority}; policy {base.policy};"


def _object(each: FirewallObject) -> str | None:
    if not safe_rules.NFT_NAME.fullmatch(each.name):
        return None
    if each.kind == "counter":
        return f"counter {each.name} {{ }}"
    return None


def _flowtable(each: Flowtable) -> str | None:
    if not safe_rules.NFT_NAME.fullmatch(each.name) or not all(LINK_NAME.fullmatch(one) for one in each.devices):
        return None
    devices = ", ".join(f'"{one}"' for one in each.devices)
    where = f" devices = {{ {devices} }};" if devices else ""
    return f"flowtable {each.name} {{ hook ingress priority {each.priority};{where} }}"
