"""The same question on a changed model: what if a rule were gone, a port published, a container stopped?

sentences    a change as a person writes it, as changes of a snapshot: the table of forms
suppose      the changed snapshot, and what else answers differently on it
"""
