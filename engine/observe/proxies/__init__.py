"""Configurations of reverse proxies, as tables of sites and routes.

running          which proxies run, by their processes; a table is read when a question meets its proxy
stopped          proxies whose containers do not run, read where the host mounts them from
root_files       files below a proxy's root, within limits
certificate      the names of a certificate, and until when it is good
ends             hosts and ports as configurations write them
nginx nginx_syntax nginx_names nginx_rewrite nginx_locations nginx_folders
haproxy haproxy_conditions
caddy caddy_syntax caddy_json
apache apache_rewrite
traefik          by labels of containers
static_file      YAML and TOML as plain values
"""
