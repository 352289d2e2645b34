"""The line of a question: the rows above it, and what is chosen from them."""

from textual.pilot import Pilot
from textual.widgets import Input

from tests.workbench.screen import Stand, answered, bench, drive, looked, workbench
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
