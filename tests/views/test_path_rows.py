from dataclasses import replace
from ipaddress import ip_address

from engine.model.trace import Conversation, Outcome, Symptom
from tests.views.hosts import connected_verdict, dropped_verdict
from views.path.detail import step_lines
from views.path.rows import StepRow, first_look, legs, rewrite, rows, step_at, step_keys
from views.text import Role, Spans

DROPPED = dropped_verdict().conversation
CONNECTED = connected_verdict().conversation


def joined(spans: Spans) -> str:
    return "".join(span.text for span in spans)


def steps(conversation: Conversation) -> list[StepRow]:
    return [row for row in rows(conversation) if isinstance(row, StepRow)]


def test_every_step_of_every_leg_has_a_row() -> None:
    trace = CONNECTED.forward
    assert CONNECTED.reply is not None
    assert len(steps(CONNECTED)) == len(trace.steps) + len(CONNECTED.reply.steps)


def test_what_is_sent_again_stands_behind_what_was_lost_and_its_answer() -> None:
    titles = [leg.title for leg in legs(replace(CONNECTED, lost=CONNECTED))]
    assert titles == ["first try · forward path", "first try · return path", "forward path", "return path"]


def test_the_step_that_stops_the_packet_says_so_in_a_mark_and_a_word() -> None:
    last = steps(DROPPED)[-1]
    assert last.stop
    assert last.spans(66)[-1].text == "✗ drop"
    assert last.spans(66)[-1].role is Role.BAD


def test_a_delivered_packet_ends_with_a_tick() -> None:
    assert [row.spans(66)[-1].text for row in steps(CONNECTED) if row.last] == ["✓ accept", "✓"]


def test_rule_steps_name_chain_and_number_and_leave_out_their_target() -> None:
    drop = joined(steps(DROPPED)[-1].spans(66))
    assert "filter/DOCKER-USER 1" in drop
    assert "tcp :80" in drop
    assert "-j" not in drop


def test_a_translation_is_told_where_it_happens() -> None:
    assert any("dnat to 172.17.0.2:80" in joined(row.spans(66)) for row in steps(DROPPED))


def test_hooks_have_a_column_where_there_is_room_and_each_is_named_once() -> None:
    wide = [joined(row.spans(100)) for row in steps(DROPPED)]
    assert sum("prerouting" in text for text in wide) == 1
    assert not any("prerouting" in joined(row.spans(66)) for row in steps(DROPPED))


def test_rows_fit_their_width() -> None:
    for width in (40, 66, 100):
        assert all(len(joined(row.spans(width))) <= width for row in steps(CONNECTED))


def test_a_relay_is_a_leg_between_there_and_back() -> None:
    relay = Conversation(CONNECTED.forward, Symptom.REFUSED)
    titles = [leg.title for leg in legs(replace(CONNECTED, relayed=relay))]
    assert titles == ["forward path", "relayed · forward path", "return path"]


def test_keys_find_their_steps_again() -> None:
    journeys = legs(CONNECTED)
    for key in step_keys(journeys):
        found = step_at(journeys, key)
        assert found is not None
        assert found[2] is journeys[key[0]].trace.hops[key[1]].steps[key[2]]
    assert step_at(journeys, (9, 9, 9)) is None
    assert step_at(journeys, None) is None


def test_the_first_look_of_the_first_leg_is_where_the_packet_stopped() -> None:
    found = step_at(legs(DROPPED), first_look(legs(DROPPED)))
    assert found is not None
    assert found[2].verdict == "drop"


def test_headings_name_the_ending_and_the_namespaces() -> None:
    headings = [row.words for row in rows(DROPPED) if row.key is None]
    assert headings[0].endswith("dropped by a rule")
    assert [text.split()[1] for text in headings[1:]] == ["lan", "dh"]


def test_a_rewrite_names_only_what_changed() -> None:
    before = DROPPED.forward.hops[0].packet
    assert rewrite(before, replace(before, dst=ip_address("172.17.0.2"), dport=80)) == "⇒ dst 172.17.0.2:80"
    assert rewrite(before, replace(before, sport=1024)) == "⇒ src 10.77.0.2:1024"
    both = replace(before, src=ip_address("10.77.0.1"), dst=ip_address("172.17.0.2"))
    assert rewrite(before, both) == "⇒ src 10.77.0.1:40000 dst 172.17.0.2:8080"


def test_where_only_the_reply_fails_the_cursor_starts_there() -> None:
    assert CONNECTED.reply is not None
    lost = replace(CONNECTED, reply=replace(CONNECTED.reply, outcome=Outcome.RULE_DROP))
    assert first_look(legs(lost)) == (1, 2, 0)


def test_where_all_arrives_reading_starts_at_the_start() -> None:
    assert first_look(legs(CONNECTED)) == (0, 0, 0)


def test_a_step_shows_the_fields_that_it_rewrote_before_and_after() -> None:
    hops = dropped_verdict().conversation.forward.hops
    hop, step = next((hop, step) for hop in hops for step in hop.steps if step.after is not None)
    told = [line.words for line in step_lines(hop, step, 60, "✓ seen: dnat")]
    assert any(line.split() == ["dst", "10.77.0.1", "⇒", "172.17.0.2"] for line in told)
    assert any(line.split() == ["sport", "40000"] for line in told)
    assert any("✓ seen: dnat" in line for line in told)
