"""What the keys do: one controller for each kind of action, and what they share.

stage                           what is looked at and shown, and the lines around the panes
questions prompts               asking, and the lines that ask for words
proofs fixes suppositions       real attempts; fixes that are applied and undone; what is supposed in the model only
moments traffic packet_walk     the timeline, what passes now, and a packet's way step by step
surveys thinking                wide questions, and what is thought about beside the screen
hands                           a shell, a capture, the answer for an issue
guide offering                  the tour, and what the palette offers
navigation selected notices     moving between panes, what is done with the selected thing, and what was told
"""
