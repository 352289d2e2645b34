"""xtables: the text of iptables-save, ip6tables-save and ipset save as tables of the model.

save_text                 tables and chains; `rule_parts` takes a rule apart, `words` a line
extensions                every match and target, one row each
context                   what the words of a rule need to be understood
matches targets           a rule's matches and its target, by that table
options together          what match options mean alone, and together; `addrtype` and `time` are the larger ones
actions structs           what targets do; extensions as the kernel holds them
ipsets                    ipsets, and what `--match-set` asks
"""
