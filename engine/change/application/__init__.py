"""Changes to what is above the packet: files of names and of proxies.

hosts_line     a line of a hosts file is removed, or added
proxy_access   a client that a proxy turns away is let in
proxy          a proxy's line names another server; a proxy reads its configuration again
"""
