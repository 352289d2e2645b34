"""A Compose file with an `x-lab` part, read into a `LabSpec`. Pure: text in, value out, or one LabFileError.

Compose's keys that are about networking are understood; its other keys are known and left out with a note, so that
a file from elsewhere can be tried as it is; a key that neither Compose nor portscope knows is an error.
Source: the Compose Specification (services, networks); moby's bridge driver for driver_opts.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import PurePath
from typing import Any

from engine.apply.journal import LAB_NAME
from engine.lab.reading import namewords, portwords, xlab
from engine.lab.reading.document import YamlValue, parse, plain
from engine.lab.reading.portwords import place_of
from engine.lab.spec import LabSpec, Membership, NetworkSpec, ServiceSpec
from engine.model.address import IPAddress, IPNetwork
from engine.records import replace

TOP_KEYS = ("name", "version", "services", "networks", "volumes", "configs", "secrets", "x-lab")
UNUSED_TOP = ("version", "volumes", "configs", "secrets")
SERVICE_KEYS = ("ports", "expose", "networks", "network_mode", "sysctls", "extra_hosts", "dns", "dns_search")
#: Keys of a service that Compose has and that do not decide a packet's way.
# fmt: off
UNUSED_SERVICE = (
    "annotations", "attach", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "configs",
    "container_name", "cpus", "cpu_count", "cpu_percent", "cpu_quota", "cpu_shares", "cpuset", "credential_spec",
    "depends_on", "deploy", "develop", "device_cgroup_rules", "devices", "dns_opt",
    "domainname", "entrypoint", "env_file", "environment", "external_links", "gpus", "group_add",
    "healthcheck", "hostname", "image", "init", "ipc", "isolation", "label_file", "labels", "links", "logging",
    "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "models", "oom_kill_disable",
    "oom_score_adj", "pid", "pids_limit", "platform", "post_start", "pre_stop", "privileged", "profiles",
    "provider", "pull_policy", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size",
    "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "tmpfs", "tty", "ulimits", "user",
    "userns_mode", "uts", "volumes", "volumes_from", "working_dir",
)
# fmt: on
NETWORK_KEYS = ("driver", "driver_opts", "internal", "enable_ipv6", "ipam", "external")
UNUSED_NETWORK = ("name", "labels", "attachable", "enable_ipv4")
MEMBERSHIP_KEYS = ("ipv4_address", "ipv6_address", "aliases")
UNUSED_MEMBERSHIP = (
    "priority",
    "gw_priority",
    "link_local_ips",
    "mac_address",
    "interface_name",
    "driver_opts",
)
MODES = ("bridge", "host", "none")
SHARED = ("service:", "container:")
NODE_NAME = r"lower-case letters, digits, dashes and underscores, a letter or digit first, at most 40"
#: Longest name of a link (IFNAMSIZ of linux/if.h, without the final zero).
LONGEST_LINK = 15
#: Addresses of the smallest subnet: its own, a gateway's, a container's, and that of all.
SMALLEST = 4
GATEWAY_MODES = ("nat", "routed")
OPTION = "com.docker.network."


def read(text: str, file: str, name: str = "") -> LabSpec:
    """The lab in a Compose file's text. Its name is `name`, else what the file says, else the file's own.

    Raises LabFileError for the first thing that is wrong.
    """
    root = parse(text, file)
    notes: list[str] = []
    top = _understood(root, TOP_KEYS, UNUSED_TOP, notes)
    services = top["services"].entries() if "services" in top else {}
    if not services:
        raise root.wrong("has no services", "name at least one below services:")
    networks = top["networks"].entries() if "networks" in top else {}
    spec = LabSpec(
        _lab_name(top.get("name"), root, name),
        file,
        tuple(_service(key, value, notes) for key, value in services.items()),
        tuple(_network(key, value, notes) for key, value in networks.items()),
    )
    spec = xlab.read(top["x-lab"], spec) if "x-lab" in top else spec
    return replace(spec, notes=tuple(notes))


def _lab_name(value: YamlValue | None, root: YamlValue, name: str) -> str:
    stem = PurePath(root.file).name.partition(".")[0].lower()
    found = name or (value.text() if value else stem)
    if not LAB_NAME.fullmatch(found):
        where = value or root
        raise where.wrong(
            f"gives the lab the name {found!r}", "write name: with lower-case letters, digits and dashes, at most 31"
        )
    return found


def _understood(
    value: YamlValue, keys: tuple[str, ...], unused: tuple[str, ...], notes: list[str]
) -> dict[str, YamlValue]:
    """A mapping's entries that are understood; a note for each that Compose knows and a lab leaves out."""
    found = value.entries((*keys, *unused))
    for key, child in found.items():
        if key in unused:
            notes.append(f"{child.file}:{child.line}: {child.name} is left out: a lab has no use for it")
    return {key: child for key, child in found.items() if key in keys}


def _service(name: str, value: YamlValue, notes: list[str]) -> ServiceSpec:
    node_name(name, value)
    rows = _understood(value, SERVICE_KEYS, UNUSED_SERVICE, notes)
    mode, shares = _mode(rows["network_mode"], rows) if "network_mode" in rows else ("networks", "")
    published = [port for item in rows["ports"].items() for port in portwords.ports(item)] if "ports" in rows else []
    if published and mode in ("host", "none"):
        notes.append(
            f"{value.file}:{rows['ports'].line}: {name}.ports is left out: network_mode {mode} publishes nothing"
        )
        published = []
    exposed = [one for item in rows["expose"].items() for one in portwords.listens(item)] if "expose" in rows else []
    return ServiceSpec(
        name,
        place_of(value),
        mode,
        shares,
        _memberships(rows["networks"], notes) if "networks" in rows else (),
        tuple(published),
        tuple(exposed),
        _sysctls(rows["sysctls"]) if "sysctls" in rows else (),
        namewords.extra_hosts(rows["extra_hosts"]) if "extra_hosts" in rows else (),
        namewords.addresses(rows["dns"]) if "dns" in rows else (),
        namewords.names(rows["dns_search"]) if "dns_search" in rows else (),
    )


def _mode(value: YamlValue, rows: Mapping[str, YamlValue]) -> tuple[str, str]:
    text = value.text()
    if "networks" in rows:
        raise value.wrong("and networks exclude each other", "keep one of them")
    for prefix in SHARED:
        if text.startswith(prefix):
            if "ports" in rows:
                raise rows["ports"].wrong("cannot be published by who shares a namespace", "publish them at its owner")
            return "service", text.removeprefix(prefix)
    if text not in MODES:
        raise value.wrong(f"is {text!r}", "write bridge, host, none or service:NAME")
    return text, ""


def _memberships(value: YamlValue, notes: list[str]) -> tuple[Membership, ...]:
    if value.shape == "sequence":
        return tuple(Membership(place_of(item), item.text()) for item in value.items())
    found = []
    for name, child in value.entries().items():
        rows = _understood(child, MEMBERSHIP_KEYS, UNUSED_MEMBERSHIP, notes)
        address = _address(rows["ipv4_address"], 4) if "ipv4_address" in rows else None
        address6 = _address(rows["ipv6_address"], 6) if "ipv6_address" in rows else None
        aliases = namewords.names(rows["aliases"]) if "aliases" in rows else ()
        found.append(Membership(place_of(child), name, address, address6, aliases))
    return tuple(found)


def _sysctls(value: YamlValue) -> tuple[tuple[str, int], ...]:
    found = []
    for key, text in plain(value).items():
        xlab.check_sysctl(key, value)
        if not text.isdecimal():
            raise value.wrong(f"sets {key} to {text!r}", "write a whole number")
        found.append((key, int(text)))
    return tuple(found)


def _network(name: str, value: YamlValue, notes: list[str]) -> NetworkSpec:
    node_name(name, value)
    rows = _understood(value, NETWORK_KEYS, UNUSED_NETWORK, notes)
    if "external" in rows and rows["external"].shape == "scalar" and rows["external"].flag():
        raise rows["external"].wrong("is true", "a lab builds its own networks: leave it out")
    if "driver" in rows and rows["driver"].text() not in ("bridge", "default"):
        raise rows["driver"].wrong(f"is {rows['driver'].text()!r}", "labs build bridge networks")
    spec = NetworkSpec(name, place_of(value))
    flags = {"internal": "internal", "enable_ipv6": "ipv6"}
    chosen: dict[str, Any] = {field: rows[key].flag() for key, field in flags.items() if key in rows}
    for key, option in (rows["driver_opts"].entries() if "driver_opts" in rows else {}).items():
        if key not in OPTIONS:
            raise option.wrong("is not an option that is known here", f"known here: {', '.join(OPTIONS)}")
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
            gateway = _address(pool["gateway"], subnet.version)
            if gateway not in subnet:
                raise pool["gateway"].wrong(f"{gateway} is not in {subnet}", "choose one inside the subnet")
            found[f"gateway{suffix}"] = gateway
    return found


def node_name(name: str, value: YamlValue) -> None:
    """Checks a name that becomes part of a namespace's. Raises LabFileError."""
    plain_name = name.replace("-", "").replace("_", "").replace(".", "")
    if not (plain_name.isascii() and plain_name.isalnum() and name[0].isalnum() and len(name) <= 40):
        raise value.wrong(f"is no usable name ({len(name)} characters)", f"use {NODE_NAME}")
    if name == "host":
        raise value.wrong("has the name of the lab's host", "choose another one")


def _link_name(value: YamlValue) -> str:
    text = value.text()
    if len(text) > LONGEST_LINK:
        raise value.wrong(f"{text!r} has {len(text)} characters", f"the kernel takes {LONGEST_LINK} for a link")
    if not text or "/" in text or any(letter.isspace() for letter in text) or text in (".", ".."):
        raise value.wrong(f"{text!r} is no name for a link", "use letters, digits and dashes")
    return text


def _address(value: YamlValue, version: int) -> IPAddress:
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
    f"{OPTION}bridge.host_binding_ipv4": ("binding", lambda value: _address(value, 4)),
    f"{OPTION}driver.mtu": ("mtu", lambda value: value.number(68, 65535)),
    f"{OPTION}bridge.gateway_mode_ipv4": ("routed", lambda value: value.choice(GATEWAY_MODES) == "routed"),
    f"{OPTION}bridge.gateway_mode_ipv6": ("routed6", lambda value: value.choice(GATEWAY_MODES) == "routed"),
}
