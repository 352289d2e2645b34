"""Why an ordinary user cannot have namespaces: the setting by name, and what to do, in one line."""

from __future__ import annotations

import pytest

from engine.apply.userns import SETTINGS, forbidden

OPEN = {
    "/proc/sys/user/max_user_namespaces": "96365",
    "/proc/sys/user/max_net_namespaces": "96365",
    "/proc/sys/kernel/unprivileged_userns_clone": "1",
}


@pytest.mark.parametrize(("path", "value", "command"), SETTINGS)
def test_the_setting_that_forbids_it_is_named_with_its_cure(path: str, value: str, command: str) -> None:
    line = forbidden("Operation not permitted", {**OPEN, path: value}.get)
    name = path.removeprefix("/proc/sys/").replace("/", ".")
    assert line.startswith(f"{name}={value} forbids user namespaces: run with sudo, or ")
    assert f"`{command}`" in line
    assert "\n" not in line


def test_without_such_a_setting_the_kernels_words_are_told() -> None:
    line = forbidden("uid_map: Operation not permitted", OPEN.get)
    assert "(uid_map: Operation not permitted)" in line
    assert "run with sudo" in line
