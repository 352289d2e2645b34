"""The rows of the timeline: what touches the question, what is folded, and the flips."""

from views.verdict.time_strip import StripMoment
from views.verdict.timeline import TimelineFlip, timeline_lines

FIRST = (StripMoment("10:00:00", touches=False), ())
APART = tuple((StripMoment(f"10:00:0{number}", touches=False), (f"veth{number} added",)) for number in (1, 2, 3))
NEAR = (StripMoment("10:00:04", touches=True, flip="✗"), ("rule added", "veth9 added"))
NOW = (StripMoment("10:00:05", touches=True), ("route deleted",))
MOMENTS = (FIRST, *APART, NEAR, NOW)


def test_moments_that_do_not_touch_the_question_are_one_row() -> None:
    assert [line.words for line in timeline_lines(MOMENTS, [TimelineFlip(4, "✗ not reachable: rule added")])] == [
        "10:00:05  route deleted",
        "flipped ✗ not reachable: rule added",
        "10:00:04  rule added and 1 more",
        "10:00:03  3 moments that do not touch the question: veth3 added · veth2 added · veth1 added",
        "10:00:00  the first snapshot",
    ]


def test_a_row_has_the_number_of_the_last_moment_that_it_stands_for() -> None:
    assert [line.key for line in timeline_lines(MOMENTS)] == [5, 4, 3, 0]


def test_unfolded_each_moment_has_a_row() -> None:
    lines = timeline_lines(MOMENTS, folded=False)
    assert [line.key for line in lines] == [5, 4, 3, 2, 1, 0]
    assert lines[3].words == "10:00:02  veth2 added"
