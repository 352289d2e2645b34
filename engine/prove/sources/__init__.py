"""The kernel's own evidence, one module for each source.

nftrace nftrace_rules    nf_tables' trace messages, and the rules that make it trace
counters drops           counters before and after; reasons of drops (skb:kfree_skb)
conntrack_events         events of connection tracking, over `nfnetlink`
routes                   where the kernel would route a packet (RTM_GETROUTE)
"""
