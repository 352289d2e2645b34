"""Programs that see a link's packets: what bpftool and tc tell of them, as `link_programs` notes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.link import Link, Program
from engine.observe.collected.reading import rows
from engine.observe.netlink.links import SeenLink
from engine.records import replace

#: The hook here of what bpftool calls the place of a program that no netlink table has.
_HOOKS = {"tcx/ingress": "ingress", "tcx/egress": "egress", "netkit/primary": "egress", "netkit/peer": "ingress"}


def with_programs(links: tuple[SeenLink, ...], found: Iterable[tuple[str, Program]]) -> tuple[SeenLink, ...]:
    """The links with programs by the name of their link, behind those that they have, each once."""
    of: dict[str, list[Program]] = {}
    for name, program in found:
        of.setdefault(name, []).append(program)

    def completed(link: Link) -> Link:
        return replace(link, programs=(*link.programs, *dict.fromkeys(of[link.name]))) if link.name in of else link

    return tuple(replace(each, link=completed(each.link)) for each in links)


def parse_attached(text: str) -> list[tuple[str, Program]]:
    """The programs of tcx and netkit in `bpftool -j net show`, with the name of their link."""
    found = (row for part in rows(text) for row in part.get("tc", ()))
    return [
        (
            str(row["devname"]),
            Program(_HOOKS[row["kind"]], str(row["kind"]).partition("/")[0], number=int(row["prog_id"])),
        )
        for row in found
        if row.get("kind") in _HOOKS
    ]


def parse_classifiers(text: str) -> list[tuple[str, Program]]:
    """What `tc -j filter show` tells of each hook, behind a line `DEVICE HOOK`, with the name of the link.

    tc lists each priority with a head that has no options; only its entries count.
    """
    found: list[tuple[str, Program]] = []
    device = hook = ""
    for line in filter(str.strip, text.splitlines()):
        if line[0] not in "[{":
            device, hook = line.split()
            continue
        for row in rows(line):
            if options := row.get("options"):
                number = (options.get("prog") or {}).get("id")
                found.append((device, Program(hook, str(row["kind"]), str(options.get("bpf_name", "")), number)))
    return found
