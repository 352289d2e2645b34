"""Thinks about one packet: the walk through namespaces, hooks, routes, bridges and sockets.

    walk stages journey       the loop over stages, and the packet's state on the way
    choices                   undecided branches, taken every way
    world budget              the snapshot with its indexes; what an answer may cost
    unmodelled                programs that are not modelled
    exchange/                 client, server and the packets between them
    link/ netfilter/ ip/      what each layer does
    fields/ lookup/           what rules can ask, and the indexes of a snapshot

1. Pure. Same snapshot and packet, same trace; no clock, no environment, no log, no kernel.
2. The walk is a loop over stages, each of which takes the journey one step on and names the next stage, or ends it.
   Nothing recurses, so no rule set and no routing loop is too deep.
3. Unknown is a value: an undecided match is put to `choices`, and every choice is walked.
4. Each step points at the row of the snapshot that decided it.
5. The order of stages is the kernel's (net/ipv4/ip_input.c, ip_forward.c, ip_output.c; net/bridge).
"""
