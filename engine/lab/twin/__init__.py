"""A snapshot as a lab: a stranger's host, rebuilt in namespaces of this machine. Pure: a snapshot in, a plan out.

rebuild                what is built, in its order, and what is left out
drafting               what a standing twin remembers
namespaces left_out    names of nodes and their namespaces; what is not built, and which answers that is about
links link_words       devices of every kind; what stands in for those that cannot be built
beyond                 who is at the other end of a device that leads out of view
addresses routes route_order policy_rules settings ipsec  what a network stack holds
firewall/              firewalls, in the formats of their own tools
flows sockets          tracked flows; listeners and relays
origin dressing        the lab that a twin is: its nodes, and a look at it with the snapshot's containers
same                   whether a twin is what its snapshot says
"""
