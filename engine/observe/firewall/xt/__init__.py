"""xtables: the text of iptables-save, ip6tables-save and ipset save as tables of the model.

save_text     tables and chains; `rule_parts` takes a rule apart, `words` a line
options       what each match option means; `matches`, `addrtype` and `time` are the larger modules
targets       what each target does
ipsets        ipsets, and what `--match-set` asks
"""
