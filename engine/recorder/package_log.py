"""What the package manager did around a time: an engine that is updated at night restarts, and loses what it had.

dpkg writes a line for each package that it has set up (dpkg(1), /var/log/dpkg.log, in local time), rpm's tools one for
each that they changed (dnf(8), /var/log/dnf.rpm.log). It is a hint: that two things came at one time says no more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

LOGS = ("/var/log/dpkg.log", "/var/log/dnf.rpm.log")
_DPKG = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) status installed (\S+) (\S+)$")
_RPM = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}) \S+ (Installed|Upgrade|Upgraded|Erase): (\S+)$")
#: How far from the time a line may be.
AROUND = timedelta(seconds=60)
#: Bytes of a log that are read, from its end.
MOST = 4 << 20


def lines_about(time: datetime) -> tuple[str, ...]:
    """What was installed around a time, in words; nothing where there is no log, or it may not be read."""
    return tuple(dict.fromkeys(line for path in LOGS for line in _of(path, time)))


def _of(path: str, time: datetime) -> Iterator[str]:
    with suppress(OSError):
        with open(path, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - MOST))
            text = log.read(MOST).decode(errors="replace")
        for line in text.splitlines():
            found = _DPKG.match(line) or _RPM.match(line)
            if found is None:
                continue
            at = datetime.fromisoformat(found[1]).astimezone()
            if abs(at - time) <= AROUND:
                yield f"{found[3] if found.re is _RPM else f'{found[2]} {found[3]}'} was installed at {at:%H:%M:%S}"
