"""Runs the house: the command line, the workbench and the one thread that looks at the host."""
