"""Rules as a whole: which can never match, are there twice, or have met no packet.

rules      the audit of a snapshot's rules: a table of flaws
coverage   whether every packet of one rule's is another rule's: conditions that imply each other
"""
