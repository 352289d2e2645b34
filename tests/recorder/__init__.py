"""The flight recorder's store, and the search for what flipped an answer."""
