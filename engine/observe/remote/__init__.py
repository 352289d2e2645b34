"""Other machines, read from here: nothing is installed or left there.

    ssh docker       who runs the collect script there: the user's own ssh; an engine, in a container with the host's
                     namespaces
    inventory        the machines that an Ansible inventory names
    collecting       what both share: the script's text in, its file out of whatever else is printed

1. A machine that cannot be read is a `RemoteError`: one line with the reason and what to do.
2. Time and size are bounded: a machine that is slow, or that never ends, is given up.
3. No password is asked for: several machines are read at once.
"""
