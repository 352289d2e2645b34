"""An edge file: what lies between hosts and cannot be read, as a person describes it (`portscope.edge/1`). Pure.

    nouns              routers, hosts, segments and security groups, as the file has them
    document           the YAML document as these nouns; a mistake is one line that names its place
    rule_words         one rule in words: allow tcp 5432 from 10.0.0.0/16
    statements         what such a rule asks of a packet
    described_host     a described host as a snapshot: devices, addresses, routes
    router_rules       its rules, port forwards and translations
    groups             security groups, as rules of the devices that they are on
    named_ends         the devices that it names, among those that are there
    learned            the MAC addresses that hosts know described devices at

A described host is a snapshot like any other, so a packet is walked through it as through one that was read.
"""
