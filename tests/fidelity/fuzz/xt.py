"""Rules of iptables, legacy and over nf_tables: a grammar of matches and targets as tables.

A match is a function from a `Ground` to words; a table says how likely each is and where it may stand. A rule is a
protocol, up to three matches, and a target. Lines are those of iptables-save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fidelity.fuzz.dice import Dice
from tests.fidelity.fuzz.words import REJECTS, Ground, a_mark
from tests.fidelity.fuzz.xt_matches import MATCHES

#: The begin of names of user chains that a hook's rules jump to.
SHORT = {"prerouting": "pre", "input": "in", "forward": "fwd", "output": "out", "postrouting": "post"}
HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output",
         "POSTROUTING": "postrouting"}  # fmt: skip
TABLES = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
PROTOCOLS = ((3.0, ""), (5.0, "tcp"), (2.5, "udp"), (1.0, "icmp"))


def rule(ground: Ground, chains: Sequence[str] = ()) -> str:
    """What follows `-A CHAIN`: conditions and a target. `chains` may be jumped to."""
    dice = ground.dice
    protocol = dice.weighted(PROTOCOLS)
    named = {"icmp": "ipv6-icmp"}.get(protocol, protocol) if ground.family == 6 else protocol
    words = [f"-p {named}"] if named else []
    usable = [
        (part.weight, part)
        for part in MATCHES
        if ground.hook in part.hooks and ground.family in part.families and ground.table not in part.not_in
        and (not part.protocols or protocol in part.protocols)
    ]  # fmt: skip
    parts = list(dict.fromkeys(dice.weighted(usable) for _ in range(dice.number(1, 3))))
    words += [part.words(ground, named) for part in parts]
    done = target(ground, named, chains)
    idle = done in ("", "-j LOG", *NOTES) and not all(part.decided for part in parts)
    return " ".join([*words, "-j ACCEPT" if idle else done])


def _set_mark(ground: Ground) -> str:
    value, mask = a_mark(ground)
    kind = ground.dice.weighted(((4.0, "xmark"), (1.0, "or"), (1.0, "and"), (1.0, "xor")))
    return f"-j MARK --set-xmark {value:#x}/{mask:#x}" if kind == "xmark" else f"-j MARK --{kind}-mark {value:#x}"


def _connmark(ground: Ground) -> str:
    value, mask = a_mark(ground)
    return "-j CONNMARK " + ground.dice.either(
        "--save-mark", "--restore-mark", f"--set-xmark {value:#x}/{mask:#x}",
        f"--save-mark --nfmask {mask:#x} --ctmask {mask:#x}", f"--restore-mark --nfmask {mask:#x} --ctmask {mask:#x}",
    )  # fmt: skip


def _hops(ground: Ground) -> str:
    """What a packet has left of its way. Only its sender sets it, so that no loop goes on for ever."""
    name = "TTL --ttl" if ground.family == 4 else "HL --hl"
    how = "set" if ground.hook == "output" and ground.dice.chance(0.7) else "dec"
    return f"-j {name}-{how} {ground.dice.either(1, 1, 2, 3, 62, 63, 200)}"


def _reject(ground: Ground, protocol: str) -> str:
    kinds = [kind for kind in REJECTS[ground.family] if kind != "tcp-reset" or protocol == "tcp"]
    return f"-j REJECT --reject-with {ground.dice.pick(kinds)}"


def _zone(dice: Dice) -> str:
    return f"--zone{dice.weighted(((3.0, ''), (1.0, '-orig'), (1.0, '-reply')))} {dice.number(1, 2)}"


#: What changes nothing that routes or rules look at.
CLASSIFY = "-j CLASSIFY --set-class 1:1"  # of packets that leave
NOTES = (CLASSIFY, "-j CHECKSUM --checksum-fill", "-j NFLOG", "-j AUDIT --type accept")
CLASSES = ("-j DSCP --set-dscp 0x02", "-j DSCP --set-dscp-class EF", "-j TOS --set-tos 0x10/0xff",
           "-j TOS --set-tos 0x08/0x1e", "-j TOS --or-tos 0x10")  # fmt: skip
#: What makes the announced size of segments smaller is of packets that open a connection.
SEGMENTS = "-m tcp --tcp-flags SYN,RST SYN -j TCPMSS"


def target(ground: Ground, protocol: str, chains: Sequence[str]) -> str:
    """A target that the table takes."""
    dice = ground.dice
    to = dice.pick(chains) if chains else ""
    table: list[tuple[float, str]] = [(6.0, "-j ACCEPT"), (1.5, "-j RETURN"), (1.0, ""), (0.3, "-j LOG")]
    table += [(5.0, f"-j {to}"), (1.5, f"-g {to}")] if to else []
    if ground.table != "nat":
        table += [(2.5, "-j DROP")]
    if ground.table == "filter":
        table += [(2.0, _reject(ground, protocol))]
    if ground.table != "nat":
        table += [(8.0 if ground.table == "mangle" else 0.7, _set_mark(ground))]
    if ground.table == "mangle":
        table += [
            (0.5, dice.pick([note for note in NOTES if ground.leaves or note != CLASSIFY])),
            (1.0, dice.pick(CLASSES)),
            (4.0, _connmark(ground)),
            (0.8, _hops(ground)),
            (0.5, "-j CONNMARK --restore-mark"),
            (0.3, f"-j NFQUEUE --queue-num 7{dice.either('', ' --queue-bypass')}"),
        ]
    if ground.table == "mangle" and protocol == "tcp" and ground.leaves:
        table += [(1.0, f"{SEGMENTS} {dice.either('--set-mss 1000', '--set-mss 1400', '--clamp-mss-to-pmtu')}")]
    if ground.table == "raw":
        table += [(3.0, dice.either("-j CT --notrack", "-j NOTRACK")), (1.0, f"-j CT {_zone(dice)}")]
    return dice.weighted(table)


def block(tables: Mapping[str, Mapping[str, tuple[str, list[str]]]]) -> str:
    """Lines of iptables-save: by table and chain, the policy ("-" for a user chain) and the rules."""
    lines = []
    for table, chains in tables.items():
        lines.append(f"*{table}")
        lines += [f":{chain} {policy} [0:0]" for chain, (policy, _) in chains.items()]
        lines += [f"-A {chain} {words}".rstrip() for chain, (_, rules) in chains.items() for words in rules]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"
