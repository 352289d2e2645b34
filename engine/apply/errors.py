"""What can go wrong while building, each as one line that says whose fault it is and what to do."""

from __future__ import annotations


class BuildError(Exception):
    """The kernel or a program refused a change. What had been made before it has been undone."""


class JournalError(BuildError):
    """A lab's journal cannot be written or read."""


class NoLabName(JournalError):
    """A text that cannot be the name of a lab."""


class LabExists(BuildError):
    """A lab of that name is up already."""


class UserNamespaceForbidden(BuildError):
    """An ordinary user cannot have namespaces here; the message names the setting that forbids it."""
