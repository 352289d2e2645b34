"""The link layer.

switching bridge_hooks egress_port fdb_learning    bridges: ports, hooks, learned addresses
upper_devices macvlan ipvlan vxlan vrf_passage     devices on devices, tunnels, and VRF devices
segments                                           from one host to another, where a snapshot has several
neighbours discovery                               ARP and neighbour discovery, and the filters on them
ipsec                                              IPsec policies where packets meet them
"""
