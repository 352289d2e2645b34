"""Netfilter: hooks, chains, connection tracking and translation.

hooks chain_walk         the chains of a hook in order; one chain, rule by rule
conntrack clash          the state of a packet's flow; a new flow whose reply tuple is in use
nat nat_mapping          nat chains choose a mapping once; the addresses that it comes to
header_writes mss        what rules write into headers, and TCP's segment size
nfqueue synproxy tproxy  targets that hand the packet on
"""
