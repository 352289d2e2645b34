"""Which VRF a device belongs to, and that one's table. Source: net/l3mdev/l3mdev.c (l3mdev_update_flow)."""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.link import Link

VRF = "vrf"


def domain_of(netns: Netns, device: Link | None) -> Link | None:
    """The VRF device that a device belongs to."""
    master = netns.links_by_index.get(device.master or 0) if device is not None else None
    return master if master is not None and master.kind == VRF else None


def leads_by(netns: Netns, index: int | None, device: Link) -> bool:
    """Whether a next hop is by the device, or by one of the VRF that the device stands for (fib_info_nh_uses_dev)."""
    return index == device.index or domain_of(netns, netns.links_by_index.get(index or 0)) is device


def vrf_of(netns: Netns, iif: str, oif: int | None) -> int | None:
    """The table of the VRF that a device of a lookup belongs to, or stands for."""
    for link in (netns.links_by_index.get(oif or 0), netns.links_by_name.get(iif)):
        for each in (link, domain_of(netns, link)):
            if each is not None and each.kind == VRF and each.detail.get("table", "").isdecimal():
                return int(each.detail["table"])
    return None
