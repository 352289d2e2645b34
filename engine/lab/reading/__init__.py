"""A lab's file, read into a `LabSpec`: a Compose document with an `x-lab` part. Pure.

document               YAML as values that know their line
compose                services and networks, as Compose has them
xlab                   what Compose has no word for
portwords namewords    ports, names and files as they are written
"""
