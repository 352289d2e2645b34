"""Runs the house: the command line and the workbench.

cli cli_lab exits commands/          the grammar, the exit codes, one module for each command
world files formats output           where snapshots come from; files, formats and stdout
app parts actions settings           the workbench, who does what in it, the keys, what the user has set
controllers/ screen/ session/ labs/ serving/
"""
