"""Per-device sysctls that come with the link dump, without opening a file.

IFLA_AF_SPEC holds, for each address family, the array of the device's settings: what
/proc/sys/net/ipv4/conf/DEV and /proc/sys/net/ipv6/conf/DEV show. IPv4's array starts with number 1 of
its enumeration, IPv6's with number 0. A family that is off on a device has no array, and then the
sysctls do not exist either.

Sources: include/uapi/linux/ip.h (IPV4_DEVCONF_*), include/uapi/linux/ipv6.h (DEVCONF_*).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from engine.observe.netlink.client import attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6

#: Where the arrays are: the address family, and the attribute in what it says.
_ARRAYS = ((AF_INET, 1), (AF_INET6, 2))

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


def device_sysctls(name: str, spec: bytes) -> Mapping[str, int]:
    """The sysctls of the device `name` in the IFLA_AF_SPEC bytes, by their full names."""
    families = attributes(spec)
    arrays = tuple(attributes(families[family]).get(kind) if family in families else None for family, kind in _ARRAYS)
    return _settings(name, *arrays)


@lru_cache(maxsize=1024)
def _settings(name: str, ipv4: bytes | None, ipv6: bytes | None) -> Mapping[str, int]:
    """The settings in both arrays. Most containers have the same, and share them."""
    found: dict[str, int] = {}
    _take(found, f"net.ipv4.conf.{name}.", ipv4, IPV4_SETTINGS)
    _take(found, f"net.ipv6.conf.{name}.", ipv6, IPV6_SETTINGS)
    return found


def _take(found: dict[str, int], prefix: str, array: bytes | None, settings: tuple[tuple[int, str], ...]) -> None:
    if not array:
        return
    values = memoryview(array[: len(array) & ~3]).cast("i")
    for place, key in settings:
        if place < len(values):
            found[prefix + key] = values[place]
