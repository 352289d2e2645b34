"""Sysctls that decide a packet's way, of the namespace that the calling thread is in.

1. /proc/sys/net shows the namespace of the thread that opens it, so these files are read after setns.
2. Settings of single devices come with the link dump (`engine.observe.netlink.devconf`), which is far cheaper;
   here are those of the whole namespace and those for all devices. Settings for `default` only matter to
   devices that are still to be made, and settings for `all` that the kernel never consults are left out too.
3. Values are integers. A file with two numbers (net.ipv4.ip_local_port_range) gives two names, with
   ".low" and ".high" at the end.
4. Files are opened by their folder: the entries of all namespaces share one chain of the kernel's cache below
   /proc/sys/net, so that a path from there costs more the more namespaces there are (proc_sys_compare).
5. A file that does not exist is a setting that this kernel, or a module that is not loaded, does not have:
   its name is absent. A file that may not be read is named in one gap.

Source: Linux Documentation/networking/ip-sysctl.rst and nf_conntrack-sysctl.rst.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache

from engine.model.host import Gap
from engine.observe.base.errors import gap

ROOT = "/proc/sys/net"

#: Settings of a whole namespace, as paths below /proc/sys/net.
_GLOBAL = (
    "ipv4/ip_forward",
    "ipv4/ip_default_ttl",
    "ipv4/ip_local_port_range",
    "ipv4/ip_nonlocal_bind",
    "ipv4/ip_unprivileged_port_start",
    "ipv4/fib_multipath_hash_policy",
    "ipv4/fib_multipath_use_neigh",
    "ipv4/fwmark_reflect",
    "ipv4/icmp_echo_ignore_all",
    "ipv4/icmp_ratelimit",
    "ipv4/icmp_ratemask",
    "ipv4/ip_no_pmtu_disc",
    "ipv4/tcp_abort_on_overflow",
    "ipv4/tcp_fwmark_accept",
    "ipv4/tcp_mtu_probing",
    "ipv4/tcp_l3mdev_accept",
    "ipv4/udp_l3mdev_accept",
    "ipv6/bindv6only",
    "ipv6/fib_multipath_hash_policy",
    "ipv6/fwmark_reflect",
    "ipv6/icmp/echo_ignore_all",
    "ipv6/icmp/ratelimit",
    "ipv6/ip_nonlocal_bind",
    "bridge/bridge-nf-call-arptables",
    "bridge/bridge-nf-call-ip6tables",
    "bridge/bridge-nf-call-iptables",
    "bridge/bridge-nf-filter-vlan-tagged",
    "bridge/bridge-nf-pass-vlan-input-dev",
    "netfilter/nf_conntrack_count",
    "netfilter/nf_conntrack_max",
    "netfilter/nf_conntrack_tcp_be_liberal",
    "netfilter/nf_conntrack_tcp_loose",
)
#: How many flows a namespace tracks; absent where the kernel has no connection tracking.
COUNT = "net.netfilter.nf_conntrack_count"
#: net.ipv4.ip_forward and this file are one variable in the kernel, and one read serves both.
SAME_AS_IP_FORWARD = "net.ipv4.conf.all.forwarding"
#: Settings for all devices that count beside a device's own.
_ALL_DEVICES = (
    "ipv4/conf/all/accept_local",
    "ipv4/conf/all/arp_announce",
    "ipv4/conf/all/arp_filter",
    "ipv4/conf/all/arp_ignore",
    "ipv4/conf/all/proxy_arp",
    "ipv4/conf/all/route_localnet",
    "ipv4/conf/all/rp_filter",
    "ipv4/conf/all/src_valid_mark",
    "ipv6/conf/all/disable_ipv6",
    "ipv6/conf/all/forwarding",
    "ipv6/conf/all/proxy_ndp",
    "ipv6/conf/all/use_oif_addrs_only",
)
FILES = tuple((path, "net." + path.replace("/", ".")) for path in (*_GLOBAL, *_ALL_DEVICES))


def _by_folder() -> dict[str, list[tuple[str, str]]]:
    """Names of files and of settings by the path of their folder."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, name in FILES:
        folder, _, file = path.rpartition("/")
        found.setdefault(folder, []).append((file, name))
    return found


_FOLDERS = _by_folder()
#: The folder that each one is opened by (one that has files of its own, else ROOT), and its path from there.
_WAYS = {
    folder: (above, folder.removeprefix(f"{above}/"))
    for folder in sorted(_FOLDERS)
    for above in (folder.partition("/")[0] if "/" in folder and folder.partition("/")[0] in _FOLDERS else "",)
}
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def read_sysctls(netns: str) -> tuple[dict[str, int], tuple[Gap, ...]]:
    """The settings of the calling thread's namespace by name; `netns` is its id, for the gaps. Raises nothing."""
    found: dict[str, int] = {}
    gaps: list[Gap] = []
    opened: dict[str, int] = {}
    try:
        opened[""] = os.open(ROOT, _FLAGS)
        for folder, (above, name) in _WAYS.items():
            if above not in opened:
                continue
            try:
                opened[folder] = os.open(name, _FLAGS, dir_fd=opened[above])
            except FileNotFoundError:
                continue
            except OSError as error:
                gaps.append(gap("net." + folder.replace("/", "."), netns, error))
                continue
            _read_folder(opened[folder], _FOLDERS[folder], netns, found, gaps)
    except OSError as error:
        gaps.append(gap("sysctls", netns, error))
    finally:
        for descriptor in opened.values():
            os.close(descriptor)
    if "net.ipv4.ip_forward" in found:
        found[SAME_AS_IP_FORWARD] = found["net.ipv4.ip_forward"]
    return found, tuple(gaps)


def _read_folder(
    folder: int, files: Sequence[tuple[str, str]], netns: str, found: dict[str, int], gaps: list[Gap]
) -> None:
    """Adds the settings in the files of an open folder to `found`, and what could not be read to `gaps`."""
    for file, name in files:
        try:
            found.update(parse_sysctl(name, _read(folder, file)))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            gaps.append(gap(name, netns, error))


@lru_cache(maxsize=4096)
def parse_sysctl(name: str, raw: bytes) -> Mapping[str, int]:
    """The one or two integers of a sysctl file, by name. Raises ValueError for anything else."""
    values = [int(word) for word in raw.split()]
    if len(values) == 1:
        return {name: values[0]}
    if len(values) == 2:
        return {f"{name}.low": values[0], f"{name}.high": values[1]}
    raise ValueError(f"holds {len(values)} numbers where one or two are expected")


def _read(folder: int, name: str) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(descriptor, 256)
    finally:
        os.close(descriptor)
