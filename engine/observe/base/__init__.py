"""What every other room of reading stands on.

errors            the one tree of what can go wrong while reading, and the words for an OSError
namespaces        which network namespaces there are, their names, and how a thread enters one
files             small files in one read; files that are written whole or not at all
inside_root       files of another root, such as a container's
memo row_cache    values that are remembered by their input, and rows by the bytes of their messages
garbage           Python's cyclic collector, out of the way while many values are made
fork_pool         work on many namespaces by two processes; `fork_values` packs what they find
kernel_modules    whether the kernel can answer without loading a module first
"""
