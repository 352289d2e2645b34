"""What the keys do: one controller for each kind of action, and what they share.

stage                           what is looked at and shown, and the lines around the panes
questions prompts               asking, and the lines that ask for words
proofs fixes suppositions       real attempts; fixes that are applied and undone; what is supposed in the model only
moments traffic                 the timeline, and what passes now
surveys thinking                wide questions, and what is thought about beside the screen
navigation notices              moving between panes, and what was told
"""
