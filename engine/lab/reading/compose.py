"""A Compose file with an `x-lab` part, read into a `LabSpec`. Pure: text in, value out, or one LabFileError.

Compose's keys that are about networking are understood; its other keys are known and left out with one note, so that
a file from elsewhere can be tried as it is; a key that neither Compose nor portscope knows is an error. What a lab
builds in another way (a network of another driver or of another project) is a note of its own.
Source: the Compose Specification (services, networks); moby's bridge driver for driver_opts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath

from engine.apply.journal import LAB_NAME
from engine.documents.yaml_value import YamlValue, plain
from engine.lab.reading import namewords, networds, portwords, xlab
from engine.lab.reading.notes import Notes, understood
from engine.lab.reading.portwords import place_of
from engine.lab.reading.project import Project, ReadProject, read_project
from engine.lab.spec import LabSpec, Membership, NetworkSpec, PortSpec, ServiceSpec
from engine.records import replace

TOP_KEYS = ("name", "services", "networks", "x-lab")
UNUSED_TOP = ("version", "volumes", "configs", "secrets", "models")
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
    "use_api_socket", "userns_mode", "uts", "volume_driver", "volumes", "volumes_from", "working_dir",
)
# fmt: on
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
NODE_NAME = "letters, digits, dashes, dots and underscores, a letter or digit first, at most 40"


def read(text: str, file: str, name: str = "") -> LabSpec:
    """The lab in the text of one Compose file. Raises LabFileError."""
    return read_lab(Project.of(text, file), name)[0]


def read_lab(project: Project, name: str = "") -> tuple[LabSpec, Project]:
    """The lab in Compose files, and the project as it is to be remembered. Its name is `name`, else what the files say,
    else the first file's own.

    Raises LabFileError for the first thing that is wrong.
    """
    found = read_project(project)
    spec = _lab(found, project.files[0], name)
    return spec, found.kept()


def _lab(found: ReadProject, file: str, name: str) -> LabSpec:
    root, notes = found.root, Notes(file)
    _check_format(root)
    top = understood(root, TOP_KEYS, UNUSED_TOP, notes)
    services = top["services"].entries() if "services" in top else {}
    if not services:
        raise root.wrong("has no services", "name at least one below services:")
    networks = top["networks"].entries() if "networks" in top else {}
    spec = LabSpec(
        _lab_name(top.get("name"), found, name),
        file,
        tuple(_service(key, value, notes) for key, value in services.items()),
        tuple(_network(key, value, notes) for key, value in networks.items()),
    )
    spec = xlab.read(top["x-lab"], spec) if "x-lab" in top else spec
    return replace(spec, notes=notes.lines(found))


def _check_format(root: YamlValue) -> None:
    """Raises LabFileError for services at the top, as Compose had them before it had networks."""
    top = root.entries()
    if "services" in top:
        return
    for value in top.values():
        if value.shape == "mapping" and {"image", "build"} & set(value.entries()):
            raise root.wrong(f"has its services at the top ({value.name})", "put them below services:")


def _lab_name(value: YamlValue | None, read: ReadProject, name: str) -> str:
    stem = PurePath(read.project.files[0]).name.partition(".")[0].lower()
    found = name or (value.text() if value else read.project.name or stem)
    if not LAB_NAME.fullmatch(found):
        where = value or read.root
        raise where.wrong(
            f"gives the lab the name {found!r}", "write name: with lower-case letters, digits and dashes, at most 31"
        )
    return found


def _service(name: str, value: YamlValue, notes: Notes) -> ServiceSpec:
    node_name(name, value)
    rows = understood(value, SERVICE_KEYS, UNUSED_SERVICE, notes)
    mode, shares = _mode(rows["network_mode"], rows) if "network_mode" in rows else ("networks", "")
    published = [port for item in rows["ports"].items() for port in portwords.ports(item)] if "ports" in rows else []
    if published and mode in ("host", "none"):
        notes.say(rows["ports"], f"are left out: network_mode {mode} publishes nothing")
        published = []
    exposed = [one for item in rows["expose"].items() for one in portwords.listens(item)] if "expose" in rows else []
    return ServiceSpec(
        name,
        place_of(value),
        mode,
        shares,
        _memberships(rows["networks"], notes) if "networks" in rows else (),
        tuple(_once(published)),
        tuple(dict.fromkeys(exposed)),
        _sysctls(rows["sysctls"], notes) if "sysctls" in rows else (),
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


def _memberships(value: YamlValue, notes: Notes) -> tuple[Membership, ...]:
    if value.shape == "sequence":
        return tuple(Membership(place_of(item), item.text()) for item in value.items())
    found = []
    for name, child in value.entries().items():
        rows = understood(child, MEMBERSHIP_KEYS, UNUSED_MEMBERSHIP, notes)
        address = networds.address(rows["ipv4_address"], 4) if "ipv4_address" in rows else None
        address6 = networds.address(rows["ipv6_address"], 6) if "ipv6_address" in rows else None
        aliases = namewords.names(rows["aliases"]) if "aliases" in rows else ()
        found.append(Membership(place_of(child), name, address, address6, aliases))
    return tuple(found)


def _once(ports: Iterable[PortSpec]) -> list[PortSpec]:
    """Ports without those that are written twice, as files that go over one another have them."""
    found: dict[tuple[object, ...], PortSpec] = {}
    for port in ports:
        chosen = port.host_port if port.host_port is not None else len(found)
        found.setdefault((port.protocol, port.container_port, chosen, port.host_address), port)
    return list(found.values())


def _sysctls(value: YamlValue, notes: Notes) -> tuple[tuple[str, int], ...]:
    found = []
    for key, text in plain(value).items():
        if not key.startswith("net."):
            notes.unused(key)
            continue
        xlab.check_sysctl(key, value)
        if not text.isdecimal():
            raise value.wrong(f"sets {key} to {text!r}", "write a whole number")
        found.append((key, int(text)))
    return tuple(found)


def _network(name: str, value: YamlValue, notes: Notes) -> NetworkSpec:
    node_name(name, value)
    return networds.network(name, value, notes)


def node_name(name: str, value: YamlValue) -> None:
    """Checks a name that becomes part of a namespace's. Raises LabFileError."""
    plain_name = name.replace("-", "").replace("_", "").replace(".", "")
    if not (plain_name.isascii() and plain_name.isalnum() and name[0].isalnum() and len(name) <= 40):
        raise value.wrong(f"is no usable name ({len(name)} characters)", f"use {NODE_NAME}")
    if name == "host":
        raise value.wrong("has the name of the lab's host", "choose another one")
