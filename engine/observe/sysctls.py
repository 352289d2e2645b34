"""Sysctls that decide a packet's way, of the namespace that the calling thread is in.

1. /proc/sys/net shows the namespace of the thread that opens it, so these files are read after setns.
2. Settings of single devices come with the link dump (`engine.observe.devconf`), which is far cheaper;
   here are those of the whole namespace and those for all devices. Settings for `default` only matter to
   devices that are still to be made, and settings for `all` that the kernel never consults are left out too.
3. Values are integers. A file with two numbers (net.ipv4.ip_local_port_range) gives two names, with
   ".low" and ".high" at the end.
4. A file that does not exist is a setting that this kernel, or a module that is not loaded, does not have:
   its name is absent. A file that may not be read is named in one gap.

Source: Linux Documentation/networking/ip-sysctl.rst and nf_conntrack-sysctl.rst.
"""

from __future__ import annotations

import os

from engine.model.host import Gap
from engine.observe.errors import gap

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


def read_sysctls(netns: str) -> tuple[dict[str, int], tuple[Gap, ...]]:
    """The settings of the calling thread's namespace by name; `netns` is its id, for the gaps. Raises nothing."""
    found: dict[str, int] = {}
    gaps: list[Gap] = []
    try:
        root = os.open(ROOT, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return {}, (gap("sysctls", netns, error),)
    try:
        for path, name in FILES:
            try:
                found.update(parse_sysctl(name, _read(root, path)))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                gaps.append(gap(name, netns, error))
    finally:
        os.close(root)
    if "net.ipv4.ip_forward" in found:
        found[SAME_AS_IP_FORWARD] = found["net.ipv4.ip_forward"]
    return found, tuple(gaps)


def parse_sysctl(name: str, raw: bytes) -> dict[str, int]:
    """The one or two integers of a sysctl file, by name. Raises ValueError for anything else."""
    values = [int(word) for word in raw.split()]
    if len(values) == 1:
        return {name: values[0]}
    if len(values) == 2:
        return {f"{name}.low": values[0], f"{name}.high": values[1]}
    raise ValueError(f"holds {len(values)} numbers where one or two are expected")


def _read(root: int, path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=root)
    try:
        return os.read(descriptor, 256)
    finally:
        os.close(descriptor)
