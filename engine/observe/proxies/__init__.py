"""Configurations of reverse proxies, as tables of sites and routes.

running          which proxies run, by their processes; a table is read when a question meets its proxy
stopped          proxies whose containers do not run, read where the host mounts them from
root_files       files below a proxy's root, within limits
certificate      the names of a certificate, and until when it is good
trouble          a configuration that is none
ends             hosts and ports as configurations write them
nginx            sites, locations, rewrites, maps, files
conditions       tests of a Host and a path, put together
haproxy haproxy_conditions
caddy            Caddyfile and JSON: routes in routes, as Caddy runs them
apache apache_rewrite apache_handlers
traefik traefik_rules traefik_files   by labels of containers, and files
static_file      YAML and TOML as plain values
"""
