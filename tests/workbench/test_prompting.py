"""The line of a question: the rows above it, and what is chosen from them."""

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.workbench.screen import Stand, answered, bench, drive, looked, until, workbench
from workbench.screen.offers import Offers


def test_the_rows_above_the_line_are_chosen_from() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        rows = app.query_one(Offers)
        assert not rows.display
        await pilot.press("w")
        assert rows.display
        assert rows.chosen == ""
        assert "lan>" in rows.entries[0].words
        await pilot.press("shift+tab")
        field = app.query_one("#why-to", Input)
        assert field.has_focus
        field.value = ""
        await pilot.press("c", "a")
        assert [row.words.split()[0] for row in rows.entries] == ["cache"]
        await pilot.press("down")
        assert rows.chosen == "cache"
        await pilot.press("enter")
        assert field.value == "cache"
        port = app.query_one("#why-port", Input)
        assert port.has_focus
        assert port.value == "6379"
        await pilot.press("escape")
        assert not rows.display

    drive(workbench(), play)


def test_a_whole_question_is_asked_by_two_keys() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("w", "down", "enter")
        await answered(pilot)
        assert stand.asked[-1].target == ":8080"
        await pilot.press("w")
        assert bench(pilot).query_one(Offers).entries[0].words.endswith("asked before")

    drive(workbench(stand), play)


@pytest.mark.parametrize(("keys", "field"), [("/drop", "filter-pattern"), ("w8081", "why-port")])
def test_keys_that_come_at_once_are_the_lines(keys: str, field: str) -> None:
    """As a terminal gives what was pasted: all of them are on their way before the first one has opened the line."""

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("2")
        await until(pilot, lambda: app.panes.rules.has_focus)
        for char in keys:
            name = {"/": "slash"}.get(char, char)
            app.post_message(Key(name, char))
        await until(pilot, lambda: app.query_one(f"#{field}", Input).value == keys[1:])
        assert len(app.screen_stack) == 1

    drive(workbench(live=True), play)
