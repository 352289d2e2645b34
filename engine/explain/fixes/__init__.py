"""What a fix is made of: changes that could help, and how they are made to last.

routes policy_rules source_port    changes of routing, policy routing and source ports
networks listen_hints restart      a network for both; how servers listen on all addresses; what a restart gives again
config_files                       where a program's configuration is written
persistence                        what undoes a change: a reboot, an engine restart, a reload
described                          what an edge file describes, changed where it is set
owner_tools network_manager unban  the same change by the tool that manages the object
"""
