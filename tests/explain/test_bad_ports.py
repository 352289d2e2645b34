"""Ports that browsers never ask."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from tests.explain.table_more import serving_6000


@pytest.mark.parametrize(
    ("target", "codes"), [("http://web:6000/", ["HTTP_BAD_PORT"]), ("web:6000", []), ("http://web/", [])]
)
def test_a_url_with_such_a_port_is_said_to_be_for_other_clients_than_browsers(target: str, codes: list[str]) -> None:
    snapshot = serving_6000()
    assert [each.code for each in ask(snapshot, resolve(snapshot, target, "client")).findings] == codes
