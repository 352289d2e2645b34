"""`grep . FILE…` below /proc/sys/net as sysctls: `ipv4/conf/eth0/rp_filter:1`. A device's name holds no colon."""

from __future__ import annotations

from collections.abc import Iterable

from engine.observe.netlink.devconf import IPV4_SETTINGS, IPV6_SETTINGS
from engine.observe.proc.sysctls import FILES, SAME_AS_IP_FORWARD, parse_sysctl

_WHOLE = dict(FILES)
_OF_DEVICES = {"ipv4": {key for _, key in IPV4_SETTINGS}, "ipv6": {key for _, key in IPV6_SETTINGS}}


def parse_sysctls(text: str, devices: Iterable[str]) -> dict[str, int]:
    """The settings of the namespace, of all devices, and of these `devices`, by the names of a look."""
    known = set(devices)
    found: dict[str, int] = {}
    of_devices: dict[str, int] = {}
    for line in text.splitlines():
        path, _, value = line.partition(":")
        family, _, rest = path.partition("/conf/")
        device, _, key = rest.rpartition("/")
        if path in _WHOLE:
            found.update(parse_sysctl(_WHOLE[path], value.encode()))
        elif device in known and key in _OF_DEVICES.get(family, ()):
            of_devices[f"net.{family}.conf.{device}.{key}"] = int(value)
    if "net.ipv4.ip_forward" in found:
        found[SAME_AS_IP_FORWARD] = found["net.ipv4.ip_forward"]
    return found | of_devices
