"""Indexes of a snapshot, and tables that do not change while a packet walks.

fib vrf route_decision source_address6 routing tables (fib_trie.c, RFC 6724), VRFs
hook_chains refs                       which base chains a hook has, and pointers to their rules
broadcast_domain device_topology bridge_vlans
                                       hosts on a segment, devices on devices, VLANs of a bridge
conntrack_snapshot conntrack_in_use flow tcp_state
                                       flows that are tracked, and the question's own
sockets addresses ipsec_policies nat_range set_lookup
packet_lengths values view             what a rule can see of a packet
"""
