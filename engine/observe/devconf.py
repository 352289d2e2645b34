"""Per-device sysctls that come with the link dump, without opening a file.

IFLA_AF_SPEC holds, for each address family, the array of the device's settings: what
/proc/sys/net/ipv4/conf/DEV and /proc/sys/net/ipv6/conf/DEV show. IPv4's array starts with number 1 of
its enumeration, IPv6's with number 0. A family that is off on a device has no array, and then the
sysctls do not exist either.

Sources: include/uapi/linux/ip.h (IPV4_DEVCONF_*), include/uapi/linux/ipv6.h (DEVCONF_*).
"""

from __future__ import annotations

from engine.observe.decode import AF_INET, AF_INET6
from engine.observe.netlink import attributes

_IFLA_INET_CONF, _IFLA_INET6_CONF = 1, 2

#: Settings of an IPv4 device that decide a packet's way: place in the array, name under conf/DEV.
IPV4_SETTINGS = (
    (0, "forwarding"),
    (2, "proxy_arp"),
    (7, "rp_filter"),
    (12, "arp_filter"),
    (17, "arp_announce"),
    (18, "arp_ignore"),
    (22, "accept_local"),
    (23, "src_valid_mark"),
    (24, "proxy_arp_pvlan"),
    (25, "route_localnet"),
    (28, "ignore_routes_with_linkdown"),
    (29, "drop_unicast_in_l2_multicast"),
)
#: The same for IPv6.
IPV6_SETTINGS = (
    (0, "forwarding"),
    (3, "accept_ra"),
    (10, "use_tempaddr"),
    (22, "proxy_ndp"),
    (26, "disable_ipv6"),
    (34, "use_optimistic"),
    (37, "use_oif_addrs_only"),
    (39, "ignore_routes_with_linkdown"),
    (40, "drop_unicast_in_l2_multicast"),
    (59, "force_forwarding"),
)


def device_sysctls(name: str, spec: bytes) -> dict[str, int]:
    """The sysctls of the device `name` in the IFLA_AF_SPEC bytes, by their full names."""
    families = attributes(spec)
    found: dict[str, int] = {}
    if AF_INET in families:
        _take(found, f"net.ipv4.conf.{name}.", attributes(families[AF_INET]).get(_IFLA_INET_CONF), IPV4_SETTINGS)
    if AF_INET6 in families:
        _take(found, f"net.ipv6.conf.{name}.", attributes(families[AF_INET6]).get(_IFLA_INET6_CONF), IPV6_SETTINGS)
    return found


def _take(found: dict[str, int], prefix: str, array: bytes | None, settings: tuple[tuple[int, str], ...]) -> None:
    if not array:
        return
    values = memoryview(array[: len(array) & ~3]).cast("i")
    for place, key in settings:
        if place < len(values):
            found[prefix + key] = values[place]
