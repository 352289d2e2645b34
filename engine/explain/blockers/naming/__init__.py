"""Why a name has no address: the look-up came to nothing.

nameless      what a look-up that found nothing is put down to
networks      names that an engine serves in another network than the client's, or not at all
resolvers     the server that was asked: none at that address, or none that the packet reaches
strangers     names that nothing here has
"""
