import pytest

from views.text import Role, cells
from views.verdict.time_strip import FOLDED, TOUCHES, StripMoment, place_of, strip_cells, strip_spans, window


def moments(text: str) -> list[StripMoment]:
    """A moment a letter: `.` touches nothing, `|` the question, `x` and `v` are flips."""
    flips = {"x": "✗", "v": "✓"}
    return [StripMoment(f"10:00:{n:02}", each != ".", flips.get(each, "")) for n, each in enumerate(text)]


def test_what_does_not_touch_the_question_shares_a_cell() -> None:
    found = strip_cells(moments("....|...x..v....."))
    assert "".join(cell.mark for cell in found) == "··│·✗·✓··"
    assert [(cell.first, cell.last) for cell in found] == [
        (0, 0), (1, 3), (4, 4), (5, 7), (8, 8), (9, 10), (11, 11), (12, 15), (16, 16),
    ]  # fmt: skip
    assert [cell.role for cell in found if cell.mark in "✗✓"] == [Role.BAD, Role.GOOD]


@pytest.mark.parametrize("text", ["..", "....x", "|.|.|", "v" * 30])
def test_each_moment_has_one_cell(text: str) -> None:
    found = strip_cells(moments(text))
    covered = [number for cell in found for number in range(cell.first, cell.last + 1)]
    assert covered == list(range(len(text)))
    assert all(
        found[place_of(found, number)].first <= number <= found[place_of(found, number)].last for number in covered
    )
    assert {cell.mark for cell in found} <= {TOUCHES, FOLDED, "✗", "✓"}


def test_the_line_says_when_how_many_and_which_is_shown() -> None:
    spans, at = strip_spans(moments("..|x"), 3, 80)
    words = "".join(span.text for span in spans)
    assert words == " 10:00:00  ··│✗ now  4 moments, 1 flip"
    assert [span.text for span in spans if span.role is Role.FOCUS] == ["✗"]
    assert sorted(at.values()) == [0, 1, 2, 3]
    assert words[min(at)] == "·"
    earlier, _ = strip_spans(moments("..|x"), 2, 80)
    assert "10:00:02" in "".join(span.text for span in earlier)


@pytest.mark.parametrize("shown", [0, 50, 99])
def test_of_many_moments_a_part_is_in_sight_with_the_shown_one(shown: int) -> None:
    spans, at = strip_spans(moments("|" * 100), shown, 70)
    assert cells("".join(span.text for span in spans)) <= 70
    assert shown in at.values()
    row = strip_cells(moments("|" * 100))
    assert shown in window(row, shown, 20)
    assert len(window(row, shown, 20)) == 20
