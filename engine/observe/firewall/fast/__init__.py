"""The rules as the kernel holds them, read without starting a tool: for hosts with tens of thousands of rules.

    nft_dump                    nftables' own dump over netlink
    xt_kernel xt_lines          iptables-nft's rules from that dump
    xt_sockopt xt_entries       tables of iptables-legacy by getsockopt; `xt_forms` has the parts of an entry
    xt_structs                  the structs of xtables extensions, as the words of iptables-save
    arp_entries                 tables of arptables-legacy

`bench/observe.py` has the numbers: 25,000 nat rules are read in the time of the save tool, where parsing its text takes
several times that. What is not understood here is read from the tool's text instead.
"""
