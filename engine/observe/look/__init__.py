"""One observation of the host, and the next one from it.

look               a table of sources by namespaces, and what is read of each
netns_reader       one visit to a namespace, source by source
anonymous_netns    namespaces without a name or process
nsid_only          namespaces of which only a number is known
socket_owners      which process holds which socket
incremental        the next observation: only what is stale is read again
snapshot           `take`: an observation as one Snapshot
"""
