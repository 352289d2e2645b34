"""The rules of iptables-nft as the kernel holds them, read without starting a tool.

    nft_dump                    nftables' own dump over netlink
    xt_kernel xt_lines          iptables-nft's rules from that dump

`xt_kernel.written` is the door. A namespace with 500 rules is read in 24 ms instead of 43 by nft and the save tool (51
of processor time), one with the 12 of a container's name server in 4 instead of 9: the tools' start is most of it, once
for each container. For iptables-legacy the tool is the faster one. What is not understood here is read from the tools'
text instead.
"""
