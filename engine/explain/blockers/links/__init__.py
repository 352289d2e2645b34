"""Blockers of devices: what keeps a frame from the one that it is for.

link            a device that is down, a port that passes no frames, a bridge without its address
l2_isolation    VLANs, and the modes of macvlan, that keep neighbours apart
neighbour       ARP and neighbour discovery without an answer, or answered by an old entry
lost_address    the address that is asked for is on no device any more
discovery       rules that drop the question for an address itself
duplicate       two that have one address
vxlan           a tunnel's forwarding entries
"""
