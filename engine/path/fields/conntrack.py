"""The fields of the connection that a packet belongs to: absent, but for the state, where it belongs to none.

Source: net/netfilter/nft_ct.c, xt_conntrack.c.
"""

from __future__ import annotations

from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.trace import Context
from engine.path.fields.header import family
from engine.path.lookup.values import UNKNOWN, Read, Unknown
from engine.path.lookup.view import View

#: The parts of a flow's tuple (`Tuple4`) by nftables' names.
PARTS = (
    ("ip saddr", "src"),
    ("ip daddr", "dst"),
    ("ip6 saddr", "src"),
    ("ip6 daddr", "dst"),
    ("proto-src", "sport"),
    ("proto-dst", "dport"),
)
#: The IP versions that parts are named after.
VERSIONS = {"ip": 4, "ip6": 6}


def _ct_state(view: View) -> frozenset[str]:
    """The state, and xtables' pseudo-states SNAT and DNAT (xt_conntrack.c, XT_CONNTRACK_STATE_SNAT)."""
    return frozenset({view.context.ct_state}) | (view.context.ct_status & {"snat", "dnat"})


def _ct_direction(view: View) -> str:
    return "reply" if view.context.ct_reply_direction else "original"


def _ct_tuple(direction: str, name: str, part: str) -> Read:
    def value(view: View) -> int | None:
        version = VERSIONS.get(name.partition(" ")[0])
        flow = view.context.ct_original if direction == "original" else view.context.ct_reply
        if flow is None or version not in (None, flow.src.version) or getattr(flow, part) is None:  # nft_ct_get_eval
            return None
        return int(getattr(flow, part))

    return value


def _without(view: View) -> bool:
    return view.context.ct_state in ("untracked", "invalid")


def _tracked(read: Read) -> Read:
    """A field of the connection: absent for packets that belong to none."""
    return lambda view: None if _without(view) else read(view)


def template(context: Context) -> bool:
    """Whether a zone that a rule chose stands for the flow until tracking has it (nf_ct_tmpl_alloc)."""
    return context.ct_state == "new" and context.ct_original is None


def _helper(absent: str | None) -> Read:
    """The helper of the connection that expected this one, as FTP's data is by its control; others have none, whatever
    helper they have themselves (nft_ct_get_eval, helper_mt)."""
    return lambda view: UNKNOWN if "expected" in view.context.ct_status else absent


#: What a connection has carried at most when its first packets and the first of the answers meet a rule.
CARRIED = {"bytes": 1 << 18, "packets": 16, "avgpkt": 1 << 16}


def _carried(what: str) -> Read:
    """How much a connection has carried so far: little, as long as it is new (xt_connbytes.c, nft_ct.c)."""
    return lambda view: UNKNOWN if view.context.ct_old else Unknown(0, CARRIED[what])


FIELDS: dict[str, Read] = {
    **{
        f"ct {direction}{what}": _tracked(_carried(what))
        for direction in ("", "original ", "reply ")
        for what in CARRIED
    },
    "ct state": _ct_state,
    "ct status": _tracked(lambda view: view.context.ct_status),
    "ct direction": _tracked(_ct_direction),
    "ct mark": _tracked(lambda view: view.context.ct_mark),
    "ct label": _tracked(lambda view: view.context.ct_labels),
    "ct label or none": lambda view: "" if _without(view) else view.context.ct_labels,
    "ct l3proto": _tracked(family),
    "ct protocol": _tracked(lambda view: PROTOCOL_NUMBERS[view.context.ct_protocol or view.packet.protocol]),
    "ct zone": _tracked(lambda view: view.context.ct_zone),
    "ct helper": _helper(None),
    "ct helper or none": _helper(""),
    **{
        f"ct {direction} {name}": _ct_tuple(direction, name, part)
        for direction in ("original", "reply")
        for name, part in PARTS
    },
}
