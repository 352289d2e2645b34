"""Causes that say that nothing is where the packet went: what the client meant is then elsewhere."""

from __future__ import annotations

NOTHING = frozenset(
    {
        "DST_NO_LISTENER",
        "DST_LISTEN_OTHER_PORT",
        "DST_LISTEN_OTHER_ADDRESS",
        "DST_LISTEN_OTHER_FAMILY",
        "DST_LISTEN_OTHER_PROTOCOL",
        "DST_NO_ADDRESS",
        "NAT_NOT_PUBLISHED",
        "NAT_DNAT_HOSTIP_MISMATCH",
        "SRC_NEIGH_FAILED",
        "FW_RAW_DIRECT_ACCESS_DROP",
        "FW_UNPUBLISHED_PORT_DROP",
    }
)
