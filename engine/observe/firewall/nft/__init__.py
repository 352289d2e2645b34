"""nftables: the document of `nft -j list ruleset` as tables of the model.

document      tables, chains, rules and sets; `objects` has flowtables and stateful objects
statements    statements of rules; `matches`, `maps` and `marks` are the larger kinds
values        expressions as fields and atoms; `as_text` writes them as nft does
texts         nft's own lines of rules, from `nft -a list`
ownership     which tables are iptables-nft's
"""
