"""Files that are written whole or not at all: private, and never by a link that somebody else laid."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.observe.base.files import NewFile, behind_links, write_whole

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lay a link of another user")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text("old")
    path.chmod(0o644)
    write_whole(path, b"new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert names(tmp_path) == ["host.json"]


def test_a_file_that_exists_is_kept_before_anything_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text("old")
    with pytest.raises(FileExistsError):
        NewFile(path, overwrite=False)
    assert (path.read_text(), names(tmp_path)) == ("old", ["host.json"])


def test_one_that_came_meanwhile_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "host.json"

    def write() -> None:
        with NewFile(path, overwrite=False) as file:
            path.write_text("another's")
            file.finish(b"ours")

    with pytest.raises(FileExistsError):
        write()
    assert (path.read_text(), names(tmp_path)) == ("another's", ["host.json"])


def test_nothing_is_left_of_a_file_that_was_never_finished(tmp_path: Path) -> None:
    with NewFile(tmp_path / "host.json"):
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []


def test_a_link_of_ours_is_followed_also_where_it_leads_nowhere_yet(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("there")
    write_whole(tmp_path / "link", b"x", overwrite=False)
    assert (tmp_path / "there").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()


@AS_ROOT
@pytest.mark.parametrize("leads_to", ["nowhere", "there"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_link_of_another_user_is_refused(tmp_path: Path, leads_to: str, overwrite: bool) -> None:
    (tmp_path / "there").write_text("precious")
    (tmp_path / "link").symlink_to(leads_to)
    os.lchown(tmp_path / "link", NOBODY, NOBODY)
    with pytest.raises(PermissionError, match="another user"):
        write_whole(tmp_path / "link", b"x", overwrite=overwrite)
    assert ((tmp_path / "there").read_text(), names(tmp_path)) == ("precious", ["link", "there"])


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        behind_links(tmp_path / "a")


def test_what_is_no_plain_file_is_written_to_as_it_is() -> None:
    write_whole("/dev/null", b"x", overwrite=False)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
