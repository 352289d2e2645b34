import itertools

from views.topology.box import GLYPHS, Lines


def drawn(lines: Lines, x: int, y: int) -> str:
    return lines.row(y)[x][0]


def test_every_mix_of_light_and_heavy_directions_has_a_character_of_its_own() -> None:
    assert set(GLYPHS) == set(itertools.product(range(3), repeat=4))
    assert len(set(GLYPHS.values())) == 81


def test_characters_are_those_that_their_directions_say() -> None:
    assert [GLYPHS[key] for key in [(1, 1, 0, 1), (0, 2, 0, 2), (1, 1, 2, 2), (2, 1, 1, 1)]] == ["├", "┏", "┿", "╀"]


def test_lines_that_meet_are_joined_whatever_came_first() -> None:
    one, other = Lines(), Lines()
    one.across(1, 0, 4)
    one.down(2, 0, 2)
    other.down(2, 0, 2)
    other.across(1, 0, 4)
    assert drawn(one, 2, 1) == drawn(other, 2, 1) == "┼"


def test_a_heavy_line_stays_heavy_under_a_light_one() -> None:
    lines = Lines()
    lines.across(0, 0, 4, 2)
    lines.across(0, 0, 4, 1)
    assert lines.row(0)[2] == ("━", True)


def test_a_branch_from_a_heavy_trunk_shows_both_weights() -> None:
    lines = Lines()
    lines.down(0, 0, 2, 2)
    lines.across(1, 0, 2, 1)
    assert drawn(lines, 0, 1) == "┠"


def test_a_box_has_four_corners() -> None:
    lines = Lines()
    lines.box(0, 0, 3, 2)
    assert [drawn(lines, *spot) for spot in [(0, 0), (3, 0), (0, 2), (3, 2)]] == ["┌", "┐", "└", "┘"]
