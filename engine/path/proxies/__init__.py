"""A proxy on the way: which of its sites and routes takes a request, whom it asks, and what it then answers.

choosing     the site and the route that a request falls to, by each program's own order
access       who may ask: by address, and with a password
nginx_paths  where nginx goes with a path: rewrites, locations, try_files, index files
caddy_paths  where Caddy goes with a path: routes in routes, groups, rewrites
rewriting    the path that a rewrite makes of one
passing      the proxy's own connection, and what comes of it
statuses     the status that each program answers for each failure
"""
