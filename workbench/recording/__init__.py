"""The flight recorder at work, and what its store says of the past.

service         the loop: each change of the host goes into the store
watched         questions that are answered at each change
on_flip         the command that is run when one flips
amounts         ages and sizes as people write them
unit            the recorder as a service of systemd
earlier         the moments of the store in the workbench's timeline
past            a moment of the store as a snapshot, and the flips of a question over all of them
"""
