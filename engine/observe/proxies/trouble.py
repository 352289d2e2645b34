"""A configuration that is none."""

from __future__ import annotations


class SyntaxTrouble(ValueError):
    """The text is no configuration; the message says where."""
