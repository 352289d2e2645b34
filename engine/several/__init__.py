"""Several hosts as one snapshot, so that a packet can be walked from one into another.

    naming                what each host is called; two of one name are refused
    qualifying            ids of namespaces that are unique among hosts: `db1/postgres`
    outlets               the devices by which frames leave a host, and who inside hears what comes in by them
    evidence segments     why two outlets are on one segment, and what speaks against it; segments as they grow
    joining               the snapshot of all

1. Pure: the same snapshots give the same one, in whatever order they come but for the first, which asks.
2. A wrong join is worse than none. Addresses that many hosts have (a container engine's bridge) join nothing, and what
   contradicts a join (another MAC address for the same neighbour) forbids it.
"""
