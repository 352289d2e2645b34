"""A lab's file, read into a `LabSpec`: a Compose document with an `x-lab` part. Pure.

merging project        files over files, what they include and extend, profiles
compose                services, as Compose has them
networds portwords namewords
                       networks, ports, names and files as they are written
xlab                   what Compose has no word for
notes                  what was left out, or is built in another way
"""
