"""Nouns: frozen values that every other room speaks in.

Laws of this room:
1. Standard library only, and nothing from another room.
2. Every value is a frozen dataclass, an enum or a tuple; a change is a new value.
3. A value refuses to be wrong at birth (`__post_init__`), so that no other room checks it again.
4. What could not be read is a `Gap` with its reason, never an empty tuple that looks like "nothing".
"""
