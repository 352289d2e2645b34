"""The rows of a fleet, `portscope.reach/1`: one for each port of each host by each zone.

1. Columns and their order are fixed; a column comes with a new version, at the end. All are text but `port`.
2. Nothing in a row depends on when it was answered: the same snapshots give the same rows.
3. A host that cannot be answered is one row: its name, and the reason in `gap`.
"""

from __future__ import annotations

from typing import NamedTuple

SCHEMA = "portscope.reach/1"


class Row(NamedTuple):
    """One port of one host, asked from one zone."""

    #: The host's name in the fleet, and when its snapshot was taken (RFC 3339).
    host: str
    taken: str = ""
    #: Where the service is: its namespace; its container and image, where it is one's.
    netns: str = ""
    container: str = ""
    image: str = ""
    #: What is asked for.
    address: str = ""
    port: int = 0
    protocol: str = ""
    zone: str = ""
    #: The answer: yes, no or depends, and what the client sees. Empty where it cannot be asked (`gap` says why).
    verdict: str = ""
    symptom: str = ""
    #: The code of the first cause, of what fails; of what is reached the code of the first finding.
    cause: str = ""
    #: The rule that decided, and whose it is; empty where none did.
    rule: str = ""
    owner: str = ""
    #: The program that listens.
    process: str = ""
    #: How the engine publishes it: `0.0.0.0:8080->80/tcp`.
    published: str = ""
    #: Of what is reached, whether it was meant to be (`INTENDED`).
    intended: str = ""
    #: The rule that was to deny it, and that it does not meet.
    past: str = ""
    #: The first fix, in words.
    fix: str = ""
    #: What is missing in the snapshot and bears on it; or why it was not answered.
    gap: str = ""


#: What `intended` says: published by an engine, an open port of the host's own; and what is not meant.
PUBLISHED, LISTENING, PAST = "published", "listening", "past a deny rule"
#: Of what is reached from outside, by the code of the warning.
UNINTENDED = {
    "EXPOSED_LOOPBACK_PORT": "loopback only",
    "EXPOSED_INTERNAL_NETWORK": "internal network",
    "EXPOSED_UNPUBLISHED_PORT": "not published",
    "EXPOSED_PRIVATE_SERVICE": "private service",
}
INTENDED = (PUBLISHED, LISTENING, PAST, *UNINTENDED.values())
