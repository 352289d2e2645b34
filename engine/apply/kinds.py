"""Which kinds of device the kernel here can make: each is tried in a namespace that has no name and goes at once.

Only kinds with a line in `PROBES` are ever tried, as a name alone has the kernel load a module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.apply.hands.programs import run_batch
from engine.apply.namespaces import run_apart

BASE = "probe0"
#: What makes a device of a kind, after `link add NAME type`; kinds that stand on another name `BASE`.
PROBES: Mapping[str, str] = {
    "vlan": f"link add link {BASE} name p1 type vlan id 2",
    "macvlan": f"link add link {BASE} name p2 type macvlan mode bridge",
    "macvtap": f"link add link {BASE} name p3 type macvtap mode bridge",
    "ipvlan": f"link add link {BASE} name p4 type ipvlan mode l2",
    "ipvtap": f"link add link {BASE} name p5 type ipvtap mode l2",
    "vxlan": "link add name p6 type vxlan id 1 dstport 4789",
    "geneve": "link add name p7 type geneve id 1 remote 192.0.2.1",
    "vrf": "link add name p8 type vrf table 10",
    "bond": "link add name p9 type bond",
    "dummy": "link add name p10 type dummy",
    "gre": "link add name p11 type gre remote 192.0.2.1 local 192.0.2.2",
    "gretap": "link add name p12 type gretap remote 192.0.2.1 local 192.0.2.2",
    "ip6gre": "link add name p13 type ip6gre remote 2001:db8::1 local 2001:db8::2",
    "ip6gretap": "link add name p14 type ip6gretap remote 2001:db8::1 local 2001:db8::2",
    "ipip": "link add name p15 type ipip remote 192.0.2.1 local 192.0.2.2",
    "sit": "link add name p16 type sit remote 192.0.2.1 local 192.0.2.2",
    "ip6tnl": "link add name p17 type ip6tnl remote 2001:db8::1 local 2001:db8::2",
    "vti": "link add name p18 type vti remote 192.0.2.1 local 192.0.2.2",
    "vti6": "link add name p19 type vti6 remote 2001:db8::1 local 2001:db8::2",
}
VLAN_FILTERING = "vlan_filtering"


def lacking(kinds: Iterable[str]) -> dict[str, str]:
    """The kinds that the kernel does not make, each with the reason. Raises BuildError without iproute2, OSError where
    no namespace can be made."""
    wanted = [kind for kind in kinds if kind in PROBES]
    if not {*kinds}:
        return {}
    lines = [f"link add name {BASE} type veth peer name probe1", *(PROBES[kind] for kind in wanted)]
    lines += ["link add name br0 type bridge vlan_filtering 1", f"link set {BASE} master br0"]

    def body() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        made = run_batch(("ip", "-force", "-batch", "-"), lines)
        return made, run_batch(("bridge", "-force", "-batch", "-"), [f"vlan add dev {BASE} vid 5"])

    refused, untold = run_apart(body)
    failed = dict(refused)
    found = {
        kind: f"the kernel here does not make it ({failed[PROBES[kind]]})" for kind in wanted if PROBES[kind] in failed
    }
    if untold and VLAN_FILTERING in kinds:
        found[VLAN_FILTERING] = "the kernel here does not tell VLANs apart on a bridge"
    return found
