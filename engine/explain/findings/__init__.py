"""What is worth knowing beside a connection that works.

bypass deny_fix    a rule denies the port, and the packet does not pass it; the same denial where it passes
wrong_target       another container or program answers than the one that publishes the port
browsers           browsers never ask the URL's port
environment        the client's environment names a proxy for the URL
family_first       an IPv6 address of the name is tried first and fails
pmtu_blackhole     large packets will be lost
"""
