"""What speaks for a cause.

near_misses            rules that would have accepted the packet but for one or two conditions
hypothetical_hooks     a hook run on another packet, or without one of its rules
rule_scope             the conditions that a packet met on the way to a rule
rule_effects           what a rule could have done for a packet
naming                 the rules that name an address or a device
owners                 the program that made an object
as_text                values of rules and packets as text
"""
