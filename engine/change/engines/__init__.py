"""Changes that a container engine's own client makes.

container      a container is started, stopped, paused
network        a container gets a place in a network
new_network    a network is made
"""
