"""What the client meant: a question names an address and a port, a person means a service.

asked          a question with where it asks, and what is served around it
alternatives   other addresses and ports at which the service could be meant
published      a container's own address asked from beyond the host: publish the port first
instead        those that connect on the model, as fixes of the kind `ask`
"""
