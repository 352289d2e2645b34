"""What the client meant: a question names an address and a port, a person means a service.

asked             a question with where it asks, and what is served around it
alternative       a service that may have been meant, and how sure that is
alternatives      other addresses, ports and protocols at which it could be meant
published_ports   the two ports of a published one, taken for each other
port_forwards     a router's port, for a client beyond it
joining           a service in a network that the client is not in: join it first
published         a container's own address asked from beyond the host: publish the port first
codes_of_nothing  causes that say that nothing is where the packet went
named             what a name has to do with it: localhost, a hosts file, a published port
other_answers     another domain by the search list, another side by another resolver
proxied           what a proxy's line meant
let_in            a client that a proxy turns away by its address
instead           those that connect on the model, as fixes of the kind `ask`
"""
