"""A new snapshot for each change of the host.

watch                subscriptions and polling joined: what changed, and the next snapshot
subscriptions        what netlink, inotify and engines notify; `neighbour_events` filters neighbours
makers executions    who made a change, and which programs were started
inotify              folders and files that change
polling              what nothing notifies of, read every few seconds
next_scene           namespaces, processes and engines that come and go
"""
