"""A name becomes an address: the look-up of the question's source, as a walk.

lookup             hosts file, search list and servers, in the order of the source's C library
candidates         the names that a search list makes of one
servers            one server asked: the query's own conversation, and who takes it
answers            what a resolver knows by itself, and whom it asks in turn
preference         the order in which a client tries several addresses
"""
