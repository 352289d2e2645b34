"""Everything that is known of one thing, on a page: what a node of the topology stands for.

page                 the lines of a page: sections of labelled rows
container namespace  a container with its networks; a namespace, or the host
device               a bridge, an uplink, any other device
"""
