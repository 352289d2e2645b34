"""Networks as Compose writes them: drivers and their options, pools of addresses. Pure.

Source: the Compose Specification, networks; moby's bridge driver for driver_opts.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from engine.documents.yaml_value import YamlValue
from engine.lab.reading.notes import Notes, understood
from engine.lab.reading.portwords import place_of
from engine.lab.spec import NetworkSpec
from engine.model.address import IPAddress, IPNetwork
from engine.records import replace

NETWORK_KEYS = ("driver", "driver_opts", "internal", "enable_ipv6", "ipam", "external")
UNUSED_NETWORK = ("name", "labels", "attachable", "enable_ipv4")
#: Longest name of a link (IFNAMSIZ of linux/if.h, without the final zero).
LONGEST_LINK = 15
#: Addresses of the smallest subnet: its own, a gateway's, a container's, and that of all.
SMALLEST = 4
OPTION = "com.docker.network."
GATEWAY_MODES = ("nat", "routed")
#: Drivers of networks that are bridges, and of those in whose place a lab builds one.
BRIDGES = ("bridge", "default")
DRIVERS = ("", *BRIDGES, "overlay", "macvlan", "ipvlan")


def network(name: str, value: YamlValue, notes: Notes) -> NetworkSpec:
    """One network. Raises LabFileError."""
    rows = understood(value, NETWORK_KEYS, UNUSED_NETWORK, notes)
    if "external" in rows and (rows["external"].shape == "mapping" or rows["external"].flag()):
        notes.say(value, "is another project's: the lab builds one of its own in its place")
    driver = rows["driver"].text() if "driver" in rows else ""
    if driver not in DRIVERS:
        raise rows["driver"].wrong(f"is {driver!r}", "labs build bridge networks: leave it out")
    if driver and driver not in BRIDGES:
        notes.say(value, f"has the driver {driver}: the lab builds a bridge network in its place")
    spec = NetworkSpec(name, place_of(value))
    flags = {"internal": "internal", "enable_ipv6": "ipv6"}
    chosen: dict[str, Any] = {field: rows[key].flag() for key, field in flags.items() if key in rows}
    for key, option in (rows["driver_opts"].entries() if "driver_opts" in rows else {}).items():
        if key not in OPTIONS:
            notes.unused(key)
            continue
        field, reader = OPTIONS[key]
        chosen[field] = reader(option)
    chosen |= _ipam(rows["ipam"]) if "ipam" in rows else {}
    return replace(spec, **chosen)


def _ipam(value: YamlValue) -> dict[str, Any]:
    rows = value.entries(("driver", "config", "options"))
    found: dict[str, Any] = {}
    for item in rows["config"].items() if "config" in rows else []:
        pool = item.entries(("subnet", "gateway", "ip_range", "aux_addresses"))
        if "subnet" not in pool:
            raise item.wrong("has no subnet", "write subnet: 172.30.0.0/16")
        subnet = _subnet(pool["subnet"])
        suffix = "" if subnet.version == 4 else "6"
        if f"subnet{suffix}" in found:
            raise item.wrong("is a second subnet of one family", "a network has one for each of IPv4 and IPv6")
        found[f"subnet{suffix}"] = subnet
        if "gateway" in pool:
            gateway = address(pool["gateway"], subnet.version)
            if gateway not in subnet:
                raise pool["gateway"].wrong(f"{gateway} is not in {subnet}", "choose one inside the subnet")
            found[f"gateway{suffix}"] = gateway
    return found


def _link_name(value: YamlValue) -> str:
    text = value.text()
    if len(text) > LONGEST_LINK:
        raise value.wrong(f"{text!r} has {len(text)} characters", f"the kernel takes {LONGEST_LINK} for a link")
    if not text or "/" in text or any(letter.isspace() for letter in text) or text in (".", ".."):
        raise value.wrong(f"{text!r} is no name for a link", "use letters, digits and dashes")
    return text


def address(value: YamlValue, version: int) -> IPAddress:
    """An address of one family. Raises LabFileError."""
    try:
        found = ip_address(value.text())
    except ValueError:
        raise value.wrong(f"is {value.text()!r}", f"write an IPv{version} address") from None
    if found.version != version:
        raise value.wrong(f"is {found}", f"write an IPv{version} address")
    return found


def _subnet(value: YamlValue) -> IPNetwork:
    try:
        subnet = ip_network(value.text())
    except ValueError as error:
        raise value.wrong(f"is {value.text()!r}: {error}", "write one like 172.30.0.0/16") from None
    if subnet.num_addresses < SMALLEST:
        raise value.wrong(f"is {subnet}", "leave room for a gateway and a container: 172.30.0.0/30 or larger")
    return subnet


#: Options of Docker's bridge driver: the field of NetworkSpec, and how its value is read.
OPTIONS: Mapping[str, tuple[str, Any]] = {
    f"{OPTION}bridge.name": ("bridge", _link_name),
    f"{OPTION}bridge.enable_icc": ("icc", lambda value: value.flag()),
    f"{OPTION}bridge.enable_ip_masquerade": ("masquerade", lambda value: value.flag()),
    f"{OPTION}bridge.host_binding_ipv4": ("binding", lambda value: address(value, 4)),
    f"{OPTION}driver.mtu": ("mtu", lambda value: value.number(68, 65535)),
    f"{OPTION}bridge.gateway_mode_ipv4": ("routed", lambda value: value.choice(GATEWAY_MODES) == "routed"),
    f"{OPTION}bridge.gateway_mode_ipv6": ("routed6", lambda value: value.choice(GATEWAY_MODES) == "routed"),
}
