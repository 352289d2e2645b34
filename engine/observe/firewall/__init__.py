"""The firewall of a namespace: iptables-legacy, iptables-nft and native nftables in one vocabulary.

Law of this room: `read` alone starts tools and asks the kernel; every parser is pure and raises nothing but
`FirewallTextError`. `fields` is the vocabulary that the parsers and the path model share. A rule that cannot be
understood stays in its chain as an `Opaque` with its text; a source that cannot be read is a `Gap`.
"""

from __future__ import annotations

from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.read import read_firewall

__all__ = ["FirewallTextError", "read_firewall"]
