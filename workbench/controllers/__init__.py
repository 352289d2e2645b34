"""What the keys do: the actions of the workbench, one module for each kind.

ask time survey navigation notices traffic    questions, moments, surveys, panes, notices, counters
fix prove                                     fixes that are applied and undone, and real attempts
"""
