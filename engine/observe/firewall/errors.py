"""The one error of the firewall parsers: text that no tool of this kernel would print."""

from __future__ import annotations


class FirewallTextError(ValueError):
    """A tool's output could not be understood; the message says which part and why, in one line."""
