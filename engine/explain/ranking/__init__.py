"""Which fix comes first.

selection          the fixes of a cause: the chosen remedy and its alternatives, the narrowest first
kinds              whose a fix is: the client's, the publisher's, the owner's, the application's
side_effects       what else a fix opens or closes
affected_probes    which probes a change can answer differently, so that others are not walked
"""
