"""Runs the house: the command line and the workbench.

start cli exits commands/            streams and signals, the grammar, exit codes, a module for each command
cli_lab cli_past cli_fleet cli_program  the grammar of labs, of the past, of many hosts, of portscope itself
completing                           what the TAB key offers
world files formats output paging    where snapshots come from; files, formats, stdout and its pager
handbook/                            the pages that come with portscope
app parts actions settings           the workbench, who does what in it, the keys, what the user has set
controllers/ screen/ session/ recording/ labs/ serving/ agents/
"""
