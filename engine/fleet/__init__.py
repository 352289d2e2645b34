"""Many hosts, one at a time: every open port of each, by every zone, as rows.

zones         where clients are: the internet, a host's LAN, a network with a name, another host
between       what another host of the fleet asks, walked from one into the other
rows          the columns, and what they say
answering     one host's snapshot becomes its rows
sharing       hosts that are alike share their answers
likeness      what hosts have in common, beside the values that each has of its own
place         a fleet's folder, local or by any URL that fsspec knows: its hosts' snapshots, its rows
buckets       the rows of some of its hosts as one Parquet file; only what changed is answered
work          all buckets, by Dask: on this machine, or on a cluster
asking        the rows by SQL, with DuckDB: read-only, and nothing else can be read
summing       a fleet in numbers, and the list of what was not meant to be reached
comparing     what differs between the rows of two fleets
errors        what goes wrong, in one line

1. What a host's rows say depends on its snapshot and the zones, of which one may be another host, and on nothing else.
2. Rows, queues and queries are other libraries' work (the extra `fleet`), loaded when they are needed.
"""
