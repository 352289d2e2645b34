"""The rule tables: every base chain in the order in which a packet meets it, and the chains below it."""
