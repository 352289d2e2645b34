"""Caddy's configuration as a table of sites and routes.

configuration  of a Caddyfile, of JSON, or of a command line alone
syntax         a Caddyfile's lines with their blocks
blocks         its site blocks as servers
directives     a block as routes, sorted and grouped
steps          a directive as handlers
matchers       request matchers as the JSON has them
json_config    JSON as servers
tree           servers, routes, handlers: what both become
conditions     which paths matchers let in, for requests of one name
flattening     a server's routes for one name, as routes of the model
answers        a handler that ends a request
rewriting      a handler that changes the path
sites          servers as sites, and redirects to TLS
"""
