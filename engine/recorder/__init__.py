"""The flight recorder's store: every state that the host's network was in, and what changed.

schema              the file: an SQLite database, its version, how it is opened and what SQLite says of it
pieces              a snapshot in pieces that states share, and back
changed             what changed on the way to a moment, as a text
keeping             the one who writes: adds moments, lets the old ones go
history             who reads: the moments, the state at each
spoken_time         "yesterday 18:00" as a time
logs                what the machine's own logs say of a time
errors              what goes wrong with a store
"""
