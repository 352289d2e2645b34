"""Changes the kernel, and undoes its changes.

    run diff                                  applies a plan; what has to change so that a host becomes a plan
    steps steps_building step inverse undo    how each change is made, and what undoes it
    steps_rebuilding kinds                    a stranger's network, in batches; which devices the kernel can make
    hands/ rtnetlink beneath namespaces       the only writer: netlink, sysctls, programs, namespaces
    journal standing_labs                     what must be undone, on disk; labs that outlive their builder
    server endpoint relay names launch legacy  programs of a lab: listeners, published ports, DNS, iptables-legacy
    netns_files                               files of /etc that a namespace has of its own
    userns holder                             labs of non-root users, in a user namespace that one process holds
    errors                                    one line for each thing that can go wrong

1. `hands` is the only writer: the only module that loads pyroute2, starts a program or writes a sysctl. The listeners
   of a lab live in a child process of their own, `server`.
2. A lab's change that has an inverse is journaled and synced to disk before it is made; undoing replays inverses from
   the last to the first, and doing so twice is the same as once.
3. A namespace that the lab made is removed with all that is in it, which needs no inverse of its own.
4. Only objects that the journal names and that carry the lab's mark are removed; all others stay, and are reported.
"""
