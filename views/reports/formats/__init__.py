"""The graph in other programs' languages: one module a format, each a pure function from `Graph` to text."""
