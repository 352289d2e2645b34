"""What netlink and sock_diag tell of one namespace, one module for each kind of object.

    client decode reader    one dump request and its messages; values in attributes; what fails becomes a gap
    stack                   the whole network stack: what `netns_reader` asks for
    links link_kinds bridge_links peers devconf link_programs tcx_programs
    addresses neighbours
    routes nexthops route_exceptions route_text policy_rules policy_rule_text
    conntrack ipsec sockets sctp

These readers are ours, and not pyroute2's, for speed: `bench/observe.py` compares both with `ip -j`.
"""
