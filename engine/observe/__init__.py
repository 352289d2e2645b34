"""Reads the kernel and the container engines; the only room that does so for a look.

    look/ watch/                         one snapshot; a new snapshot for each change
    netlink/ proc/ firewall/ engines/    sources
    remote/                              other machines, by ssh or an engine
    recording/ collected/                a snapshot as a file; the shell script that gathers one, and its reader
    base/                                namespaces, files, errors, forked workers and caches that all share

1. Looking changes nothing: no link, rule, module or file is made by it.
2. `look.snapshot.take` is the way in. A source is a file of its own: a thin `read_…` that asks, and a pure
   `parse_…` that turns bytes or text into nouns.
3. What could not be read is a `Gap` with the reason and what to do; the other sources are read all the
   same. Whatever the kernel or an engine sends, a parser raises nothing but this room's own errors.
4. Namespaces are entered by threads that do nothing else (`namespaces`); the caller stays where it is.
5. What a look needs is the standard library: starting it must cost next to nothing.
"""
