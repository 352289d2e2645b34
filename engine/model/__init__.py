"""Nouns: frozen values that every other room speaks in.

    host machine                      Snapshot, Netns, Gap; several hosts in one, and the joins between them
    link route address packet         devices, addresses, routes, packets
    firewall statement nft_object     tables, chains, rules, and what a rule asks and does
    traffic ipsec container           sockets, processes, conntrack entries; IPsec policies; containers
    rule_finding board source_range   flaws of a rule; ports that may be asked for; clients that are alike
    ref trace verdict matrix proof    pointers into a snapshot, the story of a packet, answers
    application/                      names and proxies: what is above the packet
    plan where                        changes and plans, and where a command line applies
    owner file_name                   whose an object is, by its name; names that are part of a path

1. Standard library only, and nothing from another room but `engine.records`, `engine.lazy` and the catalogue.
2. Every value is a frozen dataclass, an enum or a tuple; a change is a new value.
3. A value refuses to be wrong at birth (`__post_init__`), so that no other room checks it again.
4. A source that was not read is a `Gap` with its reason, never an empty tuple.
"""
