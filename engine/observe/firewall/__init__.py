"""The firewall of a namespace: iptables-legacy, iptables-nft and native nftables in one vocabulary.

    read collect presence tools          what there is, the tools that show it, and all of it joined
    fields symbols values                names of fields, of numbers, and values as tools write them
    nft/ xt/ fast/                       parsers of nft's and iptables' text, and a reader of the kernel's own bytes
    ebt_parts bridge_tables              ebtables and arptables
    arp_sockopt arp_entries              tables of arptables-legacy, which no tool saves
    nfqueues ipvs                        queues that programs listen on, and IPVS services
    errors

`read` alone starts tools and asks the kernel; every parser is pure and raises nothing but `FirewallTextError`. `fields`
is the vocabulary that the parsers and the path model share. A rule that cannot be understood stays in its chain as an
`Opaque` with its text; a source that cannot be read is a `Gap`.
"""

from __future__ import annotations

from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.read import read_firewall

__all__ = ["FirewallTextError", "read_firewall"]
