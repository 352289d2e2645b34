"""Sysctl files as numbers, from a folder that stands in for /proc/sys/net."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.observe.proc import sysctls
from engine.observe.proc.sysctls import parse_sysctl, read_sysctls


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sysctls, "ROOT", str(tmp_path))
    (tmp_path / "ipv4").mkdir()
    return tmp_path


def test_one_number_has_the_name_and_two_have_ends() -> None:
    assert parse_sysctl("net.ipv4.ip_forward", b"1\n") == {"net.ipv4.ip_forward": 1}
    assert parse_sysctl("range", b"32768\t60999\n") == {"range.low": 32768, "range.high": 60999}


@pytest.mark.parametrize("raw", [b"", b"1 2 3\n", b"cubic\n"])
def test_anything_else_is_no_sysctl(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"numbers|invalid literal"):
        parse_sysctl("name", raw)


def test_what_does_not_exist_is_absent_and_no_gap(root: Path) -> None:
    (root / "ipv4" / "ip_default_ttl").write_text("64\n")
    assert read_sysctls("web") == ({"net.ipv4.ip_default_ttl": 64}, ())


def test_ip_forward_is_the_forwarding_of_all_devices_too(root: Path) -> None:
    (root / "ipv4" / "ip_forward").write_text("1\n")
    found, _ = read_sysctls("web")
    assert found == {"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.forwarding": 1}


def test_what_cannot_be_read_is_a_gap_with_its_name(root: Path) -> None:
    (root / "ipv4" / "ip_forward").mkdir()
    (root / "ipv4" / "ip_default_ttl").write_text("sixty-four\n")
    found, gaps = read_sysctls("web")
    assert found == {}
    assert {(gap.source, gap.netns) for gap in gaps} == {
        ("net.ipv4.ip_forward", "web"),
        ("net.ipv4.ip_default_ttl", "web"),
    }


def test_without_the_folder_there_is_one_gap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sysctls, "ROOT", str(tmp_path / "absent"))
    found, gaps = read_sysctls("web")
    assert found == {}
    assert [(gap.source, gap.netns) for gap in gaps] == [("sysctls", "web")]
