"""The firewall of a namespace as texts for the tools that load it.

rules                        which text comes first, and what is no text
nft_text nft_sets            scripts of nft; its named sets and maps
restore_text                 iptables, ip6tables, ebtables, arptables
ipsets                       ipset
safe_rules                   which lines of a stranger may be given to a tool that runs as root
"""
