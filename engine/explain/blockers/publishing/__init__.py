"""Published ports: what the engine was asked for, and what the host has of it.

rules                   the rules that an engine writes for a published port
publish                 what publishes a port, and rules that keep a packet from it
prerouting_only         a translation for packets from outside, asked from the host
published_but_broken    a port that the engine was asked for, and that the host does not have
unpublished             a port that no engine was asked for
services                the service that a published port leads to
"""
