"""The work behind the screen: what is looked at, asked, compared and applied, off the screen's thread.

session turn engine messages    the one thread that answers, its turns, the engine's door, and what it posts
supposing                       what is supposed of the host, in the model only
survey                          the ports of the host, while nothing is asked
hosts                           several hosts at once, from files, by ssh or from an engine's machine
sources watcher                 what is observed, and the thread that hears of its changes
looking first_look              the process that looks, and how far its first look is
timeline                        the earlier moments
snapshot_sharing                equal parts of two moments, kept once
capture lending                 the command that captures a question's packets; the terminal, lent to a program
describing                      all about a node of the topology
flips comparing                 which change flipped an answer
applied_fixes command_log       fixes that were applied, and their commands
twins                           a rebuilt snapshot, and real clients in it
attempt matrix_pool stopping    a real attempt, the matrix by several processes, and how long work ends
"""
