"""Programs that see a link's packets beside the firewall: XDP and the classifiers of tc. They are noted, not read.

1. XDP comes with the link dump: how it is attached, and the number of its program.
2. Of tc only what hangs at `clsact` and `ingress` counts, where a classifier may drop or redirect what comes and goes;
   the queueing disciplines of a link's own queue delay packets and decide nothing here. So disciplines are asked for
   first, and filters only of links that have one of these two.
3. Programs of tcx and netkit are in no netlink table: `attached` asks bpf(2) for them.

Sources: tc(8), tc-bpf(8), include/uapi/linux/rtnetlink.h (struct tcmsg), pkt_cls.h, pkt_sched.h, if_link.h.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import partial

from engine.model.link import Program
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import decodes, text, u8, u32
from engine.observe.netlink.reader import Reader

SOURCE = "traffic control"
RTM_NEWQDISC, RTM_GETQDISC, RTM_NEWTFILTER, RTM_GETTFILTER = 36, 38, 44, 46
_XDP_ATTACHED = 2
#: How XDP is attached, by IFLA_XDP_ATTACHED, and the attribute with the program's number.
XDP_MODES = {1: ("native", 4), 2: ("generic", 4), 3: ("offloaded", 4), 4: ("several", 4)}
_TCA_KIND, _TCA_OPTIONS = 1, 2
_TCA_BPF_NAME, _TCA_BPF_ID = 7, 11
#: Parents of filters at clsact and ingress (TC_H_INGRESS with TC_H_MIN_INGRESS or TC_H_MIN_EGRESS).
_HOOKS = {0xFFFFFFF2: "ingress", 0xFFFFFFF3: "egress"}
#: Queueing disciplines that classifiers hang at.
KINDS = frozenset({"clsact", "ingress"})

_tcmsg = struct.Struct("=BxxxiIII")
_REQUEST = bytes(_tcmsg.size)


def xdp_programs(raw: bytes | None) -> tuple[Program, ...]:
    """The XDP program in IFLA_XDP, if there is one."""
    found = attributes(raw or b"")
    mode = u8(found.get(_XDP_ATTACHED, b"\0"))
    if not mode:
        return ()
    kind, place = XDP_MODES.get(mode, (str(mode), 4))
    return (Program("xdp", kind, number=u32(found[place]) if place in found else None),)


def read_programs(reader: Reader) -> dict[int, tuple[Program, ...]]:
    """The classifiers at ingress and egress of the links of the reader's namespace, by index."""
    found: dict[int, tuple[Program, ...]] = {}
    for index in sorted(set(reader.read(SOURCE, RTM_GETQDISC, _REQUEST, parse_disciplines))):
        programs: list[Program] = []
        for parent, hook in _HOOKS.items():
            body = _tcmsg.pack(0, index, 0, parent, 0)
            programs += reader.read(SOURCE, RTM_GETTFILTER, body, partial(parse_filters, hook=hook))
        if programs:
            found[index] = tuple(dict.fromkeys(programs))
    return found


@decodes("a queueing discipline")
def parse_disciplines(messages: Sequence[Message]) -> tuple[int, ...]:
    """Indexes of the links with clsact or ingress, of RTM_NEWQDISC messages. Raises NetlinkError on damaged bytes."""
    return tuple(
        _tcmsg.unpack_from(body)[1]
        for kind, body in messages
        if kind == RTM_NEWQDISC and text(attributes(body, _tcmsg.size).get(_TCA_KIND, b"")) in KINDS
    )


@decodes("a classifier")
def parse_filters(messages: Sequence[Message], hook: str) -> tuple[Program, ...]:
    """The classifiers in RTM_NEWTFILTER messages. Raises NetlinkError on damaged bytes.

    The kernel sends each list of filters with a head that has no handle; only its entries count.
    """
    return tuple(_filter(body, hook) for kind, body in messages if kind == RTM_NEWTFILTER and _handle(body))


def _handle(body: bytes) -> int:
    return int(_tcmsg.unpack_from(body)[2])


def _filter(body: bytes, hook: str) -> Program:
    found = attributes(body, _tcmsg.size)
    kind = text(found.get(_TCA_KIND, b""))
    options = attributes(found.get(_TCA_OPTIONS, b"")) if kind == "bpf" else {}
    number = u32(options[_TCA_BPF_ID]) if _TCA_BPF_ID in options else None
    return Program(hook, kind, text(options.get(_TCA_BPF_NAME, b"")), number)
