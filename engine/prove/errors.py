"""What can go wrong while proving: only that no attempt can be made. Everything else that fails is a gap."""

from __future__ import annotations


class ProveError(Exception):
    """The attempt cannot be made. The message is one line that says why and what to do."""
