"""Which fix comes first.

selection          the fixes of a cause: the chosen remedy and its alternatives, the narrowest first
side_effects       what else a fix opens or closes
affected_probes    which probes a change can answer differently, so that others are not walked
"""
