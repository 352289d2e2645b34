"""The grid of who reaches what: its table, what it says, and the widget's cursor."""

import asyncio
from dataclasses import replace

from textual.app import App, ComposeResult

from engine.explain.whatif.suppose import hypothesis
from engine.model.matrix import Exposure, Matrix
from engine.model.trace import Outcome
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from views.grid.table import GridTable, finding_lines, grid_table, summary
from views.grid.widget import Grid
from views.symptoms import ENDED
from views.text import cells
from workbench.session.matrix_pool import fill


def matrices() -> tuple[Matrix, Matrix, str]:
    """The shop's, that of the shop without the rule that drops, and the host's name."""
    shop = open_file(SHOP)
    return fill(shop), fill(hypothesis(shop, ("delete rule filter/DOCKER-USER 1",)).after), shop.host


def test_each_cell_has_its_mark_its_sentence_and_its_question() -> None:
    matrix, _, host = matrices()
    table = grid_table(matrix, host)
    assert table.columns == matrix.vantages
    row = table.rows[0]
    assert row.label == ":8080 → web:80"
    cell = row.cells[0]
    assert cell is not None
    assert (cell.mark, cell.ask.target) == ("✗", "192.168.30.1:8080")
    assert cell.sentence == (
        "shop-lan (via eth0) → :8080 → web:80  ✗ timeout: dropped by a rule in shop-host, filter/DOCKER-USER 1"
    )
    loopback = next(row for row in table.rows if row.label.startswith("127.0.0.1"))
    assert None in loopback.cells
    assert set(ENDED) == set(Outcome)


def test_what_turned_is_marked_and_counted() -> None:
    before, after, host = matrices()
    table = grid_table(after, host, before)
    cell = table.rows[0].cells[0]
    assert cell is not None
    assert (cell.before, cell.mark) == ("✗", "✓")
    assert "✗ before" in cell.sentence
    assert " changed" in summary(table)
    assert " changed" not in summary(grid_table(after, host, after))
    assert table.rows[0] in table.failing.rows


def test_alike_findings_are_folded() -> None:
    matrix, _, host = matrices()
    alike = tuple(Exposure(matrix.rows[0].port, (), "X", f"finding {number}") for number in range(50))
    table = replace(grid_table(matrix, host), findings=(*alike, Exposure(matrix.rows[0].port, (), "Y", "another")))
    words = [line.words for line in finding_lines(table, 80)]
    assert words[:2] == ["! finding 0 · and 49 more like it", "! another"]
    assert len(finding_lines(table, 80, whole=True)) >= 51


def rows(table: GridTable, width: int, *moves: tuple[int, int]) -> tuple[list[str], tuple[str, str]]:
    """What the widget shows after some moves of the cursor, and where that is then."""
    grid = Grid()

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield grid

    async def run() -> tuple[list[str], tuple[str, str]]:
        app = Alone()
        async with app.run_test(size=(width, 20)) as pilot:
            grid.show(table)
            await pilot.pause()
            for across, down in moves:
                grid.move(across, down)
            await pilot.pause()
            return [grid.render_line(y).text for y in range(grid.size.height)], grid.place

    return asyncio.run(run())


def test_the_widget_shows_heads_labels_and_marks() -> None:
    matrix, _, host = matrices()
    table = grid_table(matrix, host)
    shown, place = rows(table, 120)
    assert place == (":8080 → web:80", "shop-lan (via eth0)")
    assert "host" in shown[0]
    assert shown[1].startswith(":8080 → web:80")
    assert shown[1].count("✗") + shown[1].count("✓") == sum(cell is not None for cell in table.rows[0].cells)


def test_the_cursor_stays_inside_and_in_sight() -> None:
    matrix, _, host = matrices()
    table = grid_table(matrix, host)
    shown, place = rows(table, 40, (1000, 1000))
    assert place == (table.rows[-1].label, table.columns[-1])
    assert all(cells(line) <= 40 for line in shown)
    shown, place = rows(table, 40, (1000, 1000), (-1000, -1000))
    assert place == (table.rows[0].label, table.columns[0])
    assert "…" in shown[0]
    assert rows(GridTable((), ()), 40, (1, 1))[1] == ("", "")
