"""What decides how names are looked up: files of each place, and the programs that answer DNS.

name_files       hosts(5), resolv.conf(5) and nsswitch.conf(5) as nouns
places           those files of the host, of namespaces and of containers
resolvers        programs that answer DNS: which they are, and what each reads
aardvark         Podman's resolver and its tables
forwarders       systemd-resolved, dnsmasq and unbound
lab_doors        the resolver of a lab
file_lines       lines of a file that an answer points to
"""
