"""The same question on a changed model: what if a rule were gone, a port published, a container stopped?

sentences    a change as a person writes it, as changes of a snapshot: the table of forms
meanings     what the words of each form mean
switches     the sentence that switches a thing off, or on
suppose      the changed snapshot, and what else answers differently on it
"""
