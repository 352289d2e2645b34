"""The lists that lie over the panes: filtered by `/`, which escape clears before it closes them."""

from textual.pilot import Pilot

from engine.catalogue import CODES
from tests.workbench.screen import ASK, answered, bench, drive, looked, until, workbench
from views.listing import Listing
from workbench.screen.dialogs import Dialog
from workbench.screen.menu import Item, Menu


def rows(dialog: Dialog) -> list[object]:
    return [row.key for row in dialog.listing._rows]


def test_a_list_over_the_panes_is_filtered_and_its_letters_are_letters_of_the_filter_meanwhile() -> None:
    chosen: list[object] = []
    items = [Item("", "Faults"), *(Item(name[0], name, name) for name in ("drop-new", "reject", "drop-raw"))]
    menu = Menu("Break [lab]", items, chosen.append)

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await app.push_screen(menu)
        await pilot.press("slash", *"drop")
        assert rows(menu) == [None, "drop-new", "drop-raw"]
        assert "/drop 2 of 3" in str(menu.query("Vertical").first().border_subtitle)
        await pilot.press("escape")
        assert rows(menu) == [None, "drop-new", "reject", "drop-raw"]
        assert app.screen is menu
        await pilot.press("slash", *"raw", "enter", "enter")
        assert chosen == ["drop-raw"]
        assert app.screen is not menu

    drive(workbench(), play)


def test_the_details_of_a_cause_say_what_its_code_means_and_those_of_a_fix_what_it_does() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        for steps, words in ((0, CODES["FW_RULE_DROP"].meaning), (1, "then connected")):
            await pilot.press("4", "g", *("j" * steps), "i")
            assert isinstance(app.screen, Dialog)
            assert words in " ".join(row.words.strip() for row in app.screen.listing.entries)
            await pilot.press("escape")

    drive(workbench(ask=ASK), play)


def test_escape_closes_a_list_that_is_not_filtered() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("N", "escape")
        assert not isinstance(app.screen, Dialog)
        await pilot.press("N", "slash", "escape", "escape")
        assert not isinstance(app.screen, Dialog)

    drive(workbench(), play)


def test_a_list_takes_no_key_and_says_nothing_before_its_rows_are_drawn() -> None:
    chosen: list[object] = []
    menu = Menu("Timeline", [Item("a", "one", 1)], chosen.append, "Nothing yet.")

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await bench(pilot).push_screen(menu)
        await until(pilot, lambda: menu.listing.on_screen)
        menu.listing.on_screen = False  # as it is until the frame has been drawn
        await pilot.press("a", "enter")
        assert chosen == []
        menu.listing.refresh()
        await pilot.pause()
        await pilot.press("a")
        assert chosen == [1]

    drive(workbench(), play)


def test_an_awaited_list_is_blank_and_not_empty() -> None:
    listing = Listing("Nothing yet.")
    listing.flow(lambda _: [])
    assert listing._awaited
    assert "Nothing" not in listing.paint(0).text
    assert not listing.on_screen


def test_rows_that_were_read_stay_read_when_their_width_changes() -> None:
    """A key would be lost else, which comes between the second laying and its frame."""
    menu = Menu("Timeline", [Item("a", "one", 1)], lambda _: None, "Nothing yet.")

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await bench(pilot).push_screen(menu)
        await until(pilot, lambda: menu.listing.on_screen)
        menu.listing._laid_for = 1
        menu.listing.on_resize()
        assert menu.listing._laid_for > 1
        assert menu.listing.on_screen

    drive(workbench(), play)


def test_a_node_has_a_page_of_its_own() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("1")
        for node, words in (("web", "container · running"), ("docker0", "bridge in dh · up"), ("dh", "host")):
            assert app.panes.topology.full is not None
            found = next(each for each in app.panes.topology.full.nodes.values() if each.label == node)
            app.panes.topology.select(found.id)
            await pilot.press("i")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            assert isinstance(app.screen, Dialog)
            page = app.screen.listing
            await until(pilot, lambda: page.on_screen)  # noqa: B023
            assert words in page.entries[0].words
            await pilot.press("G", "g", "pagedown", "escape")

    drive(workbench(), play)
