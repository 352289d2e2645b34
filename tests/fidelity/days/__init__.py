"""A day of a real host: random changes, a recorder beside them, and real clients. `python -m tests.fidelity.days` plays
one of any length, a short one is among the tests.

toggles    what can be so on the host, or not, and how a recorder names it
play       the day, and the comparison of what `when` says with what clients saw
"""
