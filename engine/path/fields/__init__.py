"""What a rule can ask of a packet.

table                                     every field by its name: a function of a `View`
header conntrack route ipsec socket arp   the functions, by what they read
matches                                   does a condition hold: yes, no, unknown
chain_index                               the rules of a long chain that can hold for a packet
"""
