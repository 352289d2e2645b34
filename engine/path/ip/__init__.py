"""IP: routing decisions, and the checks of source addresses.

routing               where a packet goes (ip_route_output, ip_route_input)
tables                routing tables, and policy rules that cannot be decided
source_validation     the reverse path filter and martians (fib_validate_source)
special_addresses     broadcast and anycast addresses
ipv6_scope            loopback and link-local addresses beyond their scope
"""
