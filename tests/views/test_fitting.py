from views.text import Span
from views.topology.fitting import fitted
from views.topology.graph import Fact

WEB, DNS = Fact(":8080→80", "nginx-controller"), Fact(":53→53/udp", "named")
ALONE = Fact(":5432→127.0.0.1:5432", "postgres", amiss=True)


def rows(room: int, count: int, *facts: Fact, lead: tuple[Span, ...] = ()) -> list[str]:
    return ["".join(span.text for span in row) for row in fitted(lead, facts, room, count)]


def test_what_has_room_is_told_whole_in_as_few_rows_as_there_can_be() -> None:
    assert rows(60, 2, WEB, DNS) == [":8080→80 nginx-controller · :53→53/udp named"]
    assert rows(30, 2, WEB, DNS) == [":8080→80 nginx-controller", ":53→53/udp named"]


def test_programs_go_before_ports_do() -> None:
    assert rows(30, 1, WEB, DNS) == [":8080→80 · :53→53/udp"]
    assert rows(12, 1, WEB) == [":8080→80"]


def test_what_is_left_out_is_counted() -> None:
    assert rows(16, 1, WEB, DNS, ALONE) == [":8080→80 · +2"]
    assert rows(5, 1, WEB) == [":808…"]
    assert rows(3, 1, WEB) == []
    assert rows(30, 2) == []


def test_what_leads_is_kept() -> None:
    assert rows(22, 1, WEB, DNS, lead=(Span("172.17.0.2"),)) == ["172.17.0.2 · +2"]
    assert rows(28, 1, WEB, lead=(Span("172.17.0.2"),)) == ["172.17.0.2 · :8080→80"]


def test_what_is_amiss_is_shown_as_that() -> None:
    (row,) = fitted((), (WEB, ALONE), 80, 1)
    assert {span.text: span.role.value for span in row}[str(ALONE)] == "warn"
