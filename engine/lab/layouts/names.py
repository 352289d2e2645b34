"""Which layouts there are, and which firewall tools each is written in. The first one is its default."""

from __future__ import annotations

from engine.model.firewall import Backend

#: A layout's firewall tools. Docker 29 speaks nftables when told to, and Docker 28's iptables rules otherwise.
LAYOUTS: dict[str, tuple[str, ...]] = {
    "docker-26": ("iptables-nft", "iptables-legacy"),
    "docker-28": ("iptables-nft", "iptables-legacy"),
    "docker-29": ("nft", "iptables-nft", "iptables-legacy"),
    "podman": ("nft",),
}
BACKENDS: dict[str, Backend] = {
    "iptables-nft": Backend.XT_NFT,
    "iptables-legacy": Backend.XT_LEGACY,
    "nft": Backend.NFT,
}
