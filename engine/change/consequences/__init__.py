"""What the kernel or an engine does beside a change. Pure.

carriers         links that come up or go down: carriers, connected routes
built_in_chains  chains that iptables makes when the first rule is put into them
republish        an engine that writes the rules of a container's published ports again
stopping         a container that stops: its devices, proxies and rules
"""
