"""The verdict: the answer as a card."""
