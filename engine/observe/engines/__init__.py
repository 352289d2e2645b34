"""What container engines tell, each by its own door.

sockets                                  which engines run, and the socket of each
unix_http events                         GET requests over such a socket, and the stream of events
docker docker_documents                  Docker's API
podman podman_documents                  Podman's store on disk
containerd cni                           containerd's state folders, and the results of CNI plugins
containers container_view                all of them together, with the files that enter their namespaces
"""
