"""What the machine's logs say of a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.recorder import logs

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECONDS = int(AT.timestamp())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the logs are, on a machine in UTC."""
    own = tuple(each._replace(path=str(tmp_path / Path(each.path).name)) for each in logs.LOGS)
    monkeypatch.setattr(logs, "LOGS", own)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


def test_what_was_installed_around_a_time(folder: Path) -> None:
    (folder / "dpkg.log").write_text(
        "2026-03-02 08:00:10 upgrade docker-ce:amd64 5:25 5:26\n"
        "2026-03-02 08:00:20 status half-configured docker-ce:amd64 5:26\n"
        "2026-03-02 08:00:30 status installed docker-ce:amd64 5:26\n"
        "2026-03-02 09:00:30 status installed curl:amd64 8\n"
        "2026-99-99 99:99:99 status installed x:amd64 8\n"
        "no line of this log\n"
    )
    (folder / "dnf.rpm.log").write_text("2026-03-02T08:00:40+0000 SUBDEBUG Upgraded: podman-5.0-1.fc41.x86_64\n")
    assert logs.MachineLogs().about(AT) == (
        "docker-ce:amd64 5:26 was installed at 08:00:30",
        "podman-5.0-1.fc41.x86_64 was installed at 08:00:40",
    )
    assert logs.MachineLogs().about(AT + timedelta(hours=5)) == ()


def test_who_changed_a_table_as_the_audit_log_says(folder: Path) -> None:
    told = "table=filter:7 family=2 entries=6 op=xt_replace pid=4711 subj=unconfined comm="
    (folder / "audit.log").write_text(
        f'type=NETFILTER_CFG msg=audit({SECONDS + 1}.123:42): {told}"iptables-legacy"\n'
        f"type=NETFILTER_CFG msg=audit({SECONDS + 1}.124:43): {told}6D79207461626C65\n"
        f'type=NETFILTER_CFG msg=audit({SECONDS + 9}.123:44): {told}"later"\n'
        f'type=SYSCALL msg=audit({SECONDS}.123:42): syscall=54 pid=4711 auid=1000 comm="iptables-legacy"\n'
        f"type=NETFILTER_CFG msg=audit(9{'9' * 40}.123:45): {told}\n"
    )
    assert logs.MachineLogs().about(AT) == (
        "iptables-legacy (pid 4711) changed table filter:7, as the audit log says, at 08:00:01",
        "my table (pid 4711) changed table filter:7, as the audit log says, at 08:00:01",
    )


def test_no_logs_no_hints(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert logs.MachineLogs().about(AT) == ()
