"""Desired networks: plans of small worlds to look at, and the way to have one up for a while.

Planning is pure: a name in, a plan out. `running` is the only module here that builds one.
"""
