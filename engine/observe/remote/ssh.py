"""A machine by the user's own ssh: with his configuration, agent, jump hosts and shared connections (ssh_config(5)).

ssh asks nothing (BatchMode): it neither waits for a password nor takes an unknown key. Its own errors end with status
255 and say the reason last.
"""

from __future__ import annotations

import re

from engine.model.host import Snapshot
from engine.observe.remote.collecting import SHELL, Printed, RemoteError, read, run
from engine.programs import find
from engine.records import dataclass

#: Seconds until a connection is there.
CONNECT = 10
#: The status of ssh's own errors (ssh(1), EXIT STATUS).
_OWN = 255
#: What ssh says of an error, as the reason and what to do.
_REASONS = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key has changed: check why, then `ssh-keygen -R {host}`"),
    (r"Host key verification failed", "its host key is not known here: run `ssh {user}` once and compare it"),
    (r"Permission denied", "it takes no key of yours: add one (`ssh-copy-id {user}`), or load your agent (`ssh-add`)"),
    (r"Could not resolve hostname", "its name has no address here: write its address, or a Host line in ~/.ssh/config"),
    (r"Connection refused", "no SSH server answers there: is it up, and is this the right port?"),
    (r"timed out", "it does not answer: is it up, and does a firewall let SSH through?"),
    (r"No route to host|Network is unreachable", "there is no route to it from here"),
    (r"Too many authentication failures", "it refused all keys of your agent: name one by IdentityFile in ssh_config"),
    (r"[Bb]ad configuration|Bad owner", "your ssh configuration is refused: run `ssh -G {user}`"),
)
#: ssh://[USER@]HOST[:PORT]
_PLACE = re.compile(
    r"ssh://(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^@/:\s\[\]]+)(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class SshPlace:
    """Where ssh logs in. Raises ValueError for a user or host that ssh would take for an option."""

    host: str
    user: str = ""
    port: int | None = None

    def __post_init__(self) -> None:
        if self.host.startswith("-") or self.user.startswith("-"):
            raise ValueError("a user's or host's name does not begin with a dash")

    def __str__(self) -> str:
        user, host = f"{self.user}@" if self.user else "", f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"ssh://{user}{host}{port}"

    @property
    def login(self) -> str:
        """USER@HOST, or HOST."""
        return f"{self.user}@{self.host}" if self.user else self.host


def place_of(text: str) -> SshPlace | None:
    """The place that `ssh://…` names; None for what is none."""
    found = _PLACE.fullmatch(text.rstrip("/"))
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    try:
        return SshPlace(found["host"].strip("[]"), found["user"] or "", port)
    except ValueError:
        return None


def take(place: SshPlace) -> Snapshot:
    """The snapshot of the machine, read by root where sudo needs no password. Raises `RemoteError`."""
    ssh = find("ssh")
    if ssh is None:
        raise RemoteError(f"{place}: there is no ssh here: install the OpenSSH client")
    port = ("-p", str(place.port)) if place.port is not None else ()
    options = ("-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT}", "-o", "ServerAliveInterval=15")
    printed = run((ssh, *options, *port, "--", place.login, f"sh -c '{SHELL}'"), str(place))
    if printed.status == _OWN and "done" not in printed.output[-200:]:
        raise RemoteError(_why(place, printed))
    return read(printed, str(place))


def _why(place: SshPlace, printed: Printed) -> str:
    for pattern, words in _REASONS:
        if re.search(pattern, printed.complaint):
            return f"{place}: {words.format(host=place.host, user=place.login)}"
    said = [line.strip() for line in printed.complaint.splitlines() if line.strip()]
    last = "".join(each for each in (said[-1] if said else "it ended without a word")[:200] if each.isprintable())
    begun = "the connection ended half-way: " if printed.output else ""
    return f"{place}: {begun}{last}"
