"""What the machine's own logs say of a time: hints, as that two things came at one time says no more.

- The package manager: an engine that is updated at night restarts, and loses what it had. dpkg writes a line for each
  package that it has set up (dpkg(1), in local time), rpm's tools one for each that they changed (dnf(8)).
- The audit daemon: the kernel tells it who changed a table of netfilter, iptables-legacy's included, of which no
  notification does (kernel/auditsc.c, __audit_log_nfcfg; auditd(8)). Of a line the process and its name are read, and
  nothing of its user.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

#: Bytes of a log that are read, from its end.
MOST = 4 << 20
#: The name of an audited process: in quotes, or in hexadecimal digits where it has other characters.
_HEX = re.compile(r"(?:[0-9A-F]{2})+")


class Log(NamedTuple):
    """A log: its file, a line that counts, its time and words, and how far it may be from a time to be about it."""

    path: str
    line: re.Pattern[str]
    time: Callable[[re.Match[str]], datetime]
    words: Callable[[re.Match[str]], str]
    around: timedelta


def _written(found: re.Match[str]) -> datetime:
    return datetime.fromisoformat(found["at"]).astimezone()


def _counted(found: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(float(found["at"]), UTC).astimezone()


def _installed(found: re.Match[str]) -> str:
    return f"{found['name']} was installed"


def _configured(found: re.Match[str]) -> str:
    comm = found["comm"]
    name = bytes.fromhex(comm).decode(errors="replace") if _HEX.fullmatch(comm) else comm.strip('"')
    return f"{name} (pid {found['pid']}) changed table {found['table']}, as the audit log says,"


LOGS = (
    Log(
        "/var/log/dpkg.log",
        re.compile(r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) status installed (?P<name>\S+ \S+)$"),
        _written,
        _installed,
        timedelta(seconds=60),
    ),
    Log(
        "/var/log/dnf.rpm.log",
        re.compile(
            r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}) \S+ (?:Installed|Upgraded|Upgrade): (?P<name>\S+)$"
        ),
        _written,
        _installed,
        timedelta(seconds=60),
    ),
    Log(
        "/var/log/audit/audit.log",
        re.compile(
            r"type=NETFILTER_CFG msg=audit\((?P<at>\d{1,12}\.\d{3}):\d+\): table=(?P<table>\S{1,64}) "
            r".{0,200}?\bpid=(?P<pid>\d+) "
            r'.{0,400}?comm=(?P<comm>"[^"]{1,16}"|[0-9A-F]{2,32})'
        ),
        _counted,
        _configured,
        timedelta(seconds=2),
    ),
)


class MachineLogs:
    """The lines of all logs that count, read once."""

    def __init__(self) -> None:
        self._lines = [(log.around, *line) for log in LOGS for line in _of(log)]

    def about(self, time: datetime) -> tuple[str, ...]:
        """What happened around a time, in words; nothing where there is no log, or it may not be read."""
        near = (f"{words} at {at:%H:%M:%S}" for around, at, words in self._lines if abs(at - time) <= around)
        return tuple(dict.fromkeys(near))


def _of(log: Log) -> Iterator[tuple[datetime, str]]:
    with suppress(OSError):
        with open(log.path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MOST))
            text = file.read(MOST).decode(errors="replace")
        for found in filter(None, map(log.line.match, text.splitlines())):
            with suppress(ValueError, OverflowError):
                yield log.time(found), log.words(found)
