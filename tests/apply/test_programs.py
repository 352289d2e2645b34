"""The processes of a lab: what keeps one from starting is told."""

import pytest

from engine.apply.errors import BuildError
from engine.apply.hands.programs import start_listeners


def test_more_words_than_a_command_line_has_room_for_are_an_error_in_words() -> None:
    with pytest.raises(BuildError, match="cannot be started: Argument list too long"):
        start_listeners(["tcp"] * 1_000_000)
