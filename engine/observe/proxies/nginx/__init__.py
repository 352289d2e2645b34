"""nginx's configuration as a table of sites and routes.

configuration  server blocks as sites
locations      a location as a route
askers         who may ask a location
folders        where files are, and which are there
rewrite        the rewrite phase, for one kind of request
names          whether a block depends on the Host or scheme, and by which names it may be asked
maps           variables that a table gives for others
syntax         directives with their blocks
"""
