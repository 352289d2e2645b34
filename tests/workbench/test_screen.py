from dataclasses import replace

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Footer, Input, OptionList, Static

from engine.model.host import Gap, Snapshot
from engine.model.verdict import Question, Verdict
from tests.views.hosts import connected_verdict, crowded_host, docker_host
from tests.workbench.screen import ASK, Stand, answered, bench, drive, line, looked, text, until, workbench
from views.text import cells
from views.verdict.ask import Ask
from workbench.actions import ACTIONS, help_lines
from workbench.exits import refused
from workbench.screen.help import COLUMN, WIDTH, Help
from workbench.screen.prompt import WhyPrompt
from workbench.session.sources import Given

DROP = ("xt-nft", "ip", "filter", "DOCKER-USER", 0)
DNAT = ("xt-nft", "ip", "nat", "DOCKER", 1)


def test_it_starts_on_a_snapshot_and_shows_topology_rules_and_what_to_ask() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert "● web  172.17.0.2" in text(app, "topology")
        assert "nat/PREROUTING" in text(app, "rules")
        assert "ns:lan → :8080/tcp" in text(app, "answer")
        assert "5 netns · 3 containers · 20 rules" in line(app, "header")

    drive(workbench(), play)


def test_a_question_of_the_command_line_is_asked_at_once() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        assert "✗ NOT REACHABLE" in line(app, "strip")
        assert "✗ drop" in text(app, "path")

    drive(workbench(ask=ASK), play)


def test_the_answer_lights_the_rule_and_the_place_that_stop_the_packet() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        assert panes.rules.cursor == DROP
        assert panes.rules.marks[DROP].text == "✗"
        assert panes.rules.marks[DNAT].text == "•"
        assert panes.topology.way.links == {"dh/2"}
        assert "✗ ends in dh: filter/DOCKER-USER 1 drop" in str(bench(pilot).panes.topology.border_subtitle)

    drive(workbench(ask=ASK), play)


def test_moving_through_the_trace_lights_the_rule_and_the_link_of_each_step() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        await pilot.press("k", "k", "k")
        assert (panes.rules.cursor, panes.topology.look.focus) == (DNAT, "dh/2")
        await pilot.press("j")
        assert panes.topology.look.focus == "dh/3"
        await pilot.press("g")
        assert panes.topology.look.focus == "dh/2"

    drive(workbench(ask=ASK), play)


def test_the_reply_has_a_way_of_its_own() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        await pilot.press("G")
        assert panes.path.cursor == (1, 2, 0)
        assert panes.topology.way.stop is None
        assert panes.topology.way.links == {"dh/2", "dh/3", "dh/5"}

    drive(workbench(Stand(connected_verdict()), ask=ASK), play)


def test_enter_jumps_from_a_step_to_its_rule_and_back() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.panes.rules.has_focus)
        assert app.panes.rules.cursor == DROP
        assert "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP" in line(app, "detail")
        await pilot.press("enter")
        await until(pilot, lambda: app.panes.path.has_focus)

    drive(workbench(ask=ASK), play)


def test_enter_jumps_from_a_step_to_its_link_and_back() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        await pilot.press("k", "k", "enter")
        await until(pilot, lambda: panes.topology.has_focus)
        assert panes.topology.selected is not None
        assert panes.topology.selected.label == "docker0"
        await pilot.press("enter")
        await until(pilot, lambda: panes.path.has_focus)
        assert panes.path.cursor == (0, 1, 3)

    drive(workbench(ask=ASK), play)


def test_a_cause_leads_to_its_rule() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        panes = bench(pilot).panes
        await pilot.press("g", "4", "g", "enter")
        await until(pilot, lambda: panes.rules.has_focus)
        assert panes.rules.cursor == DROP

    drive(workbench(ask=ASK), play)


def test_a_question_is_asked_by_the_prompt() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("w")
        assert app.query_one("#why-from", Input).value == "ns:lan"
        await pilot.press(*"8080", "enter")
        await answered(pilot)
        assert stand.asked == [Ask(":8080", "ns:lan")]
        assert not app.query_one(WhyPrompt).opened
        assert app.query_one(Footer).display

    drive(workbench(stand), play)


def test_a_whole_question_pasted_into_the_port_field_is_taken_apart() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("w")
        bench(pilot).query_one("#why-port", Input).value = "client>172.17.0.2:80"
        await pilot.press("enter")
        await answered(pilot)
        assert stand.asked == [Ask("172.17.0.2:80", "client")]

    drive(workbench(stand), play)


def test_a_url_is_a_whole_target_by_itself() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("w")
        bench(pilot).query_one("#why-port", Input).value = "client>http://172.17.0.2/x?y=1:2"
        await pilot.press("enter")
        await answered(pilot)
        assert stand.asked == [Ask("http://172.17.0.2/x?y=1:2", "client")]

    drive(workbench(stand), play)


@pytest.mark.parametrize(("container", "asked"), [("web", ("", "8080")), ("cache", ("cache", "6379"))])
def test_the_prompt_is_filled_in_from_the_selected_container(container: str, asked: tuple[str, str]) -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("1", "slash", *container, "enter", "w")
        values = [app.query_one(f"#why-{name}", Input).value for name in ("from", "to", "port", "protocol")]
        assert values == ["ns:lan", *asked, "tcp"]

    drive(workbench(), play)


def test_tab_goes_from_field_to_field_in_the_prompt() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("w", "tab", *"udp", "shift+tab", "5", "3", "enter")
        await answered(pilot)
        assert app.panes.verdict is not None

    stand = Stand()
    drive(workbench(stand), play)
    assert [str(ask.protocol) for ask in stand.asked] == ["udp"]
    assert stand.asked[0].target == ":53"


def test_a_port_out_of_range_is_refused_in_the_prompt() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("w", *"99999", "enter")
        await pilot.pause()
        assert app.query_one(WhyPrompt).opened
        assert "from 1 to 65535" in line(app, "detail")
        await pilot.press("escape")
        assert not app.query_one(WhyPrompt).opened

    drive(workbench(), play)


def test_a_question_that_cannot_be_asked_comes_back_with_its_reason() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("w", *"80", "enter")
        await until(pilot, lambda: "no container named" in line(app, "detail"))
        assert app.query_one(WhyPrompt).opened
        assert app.query_one("#why-port", Input).value == "80"

    drive(workbench(Stand(refusal="no container named wbe")), play)


def test_a_suggested_question_is_asked_with_enter() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("enter")
        await answered(pilot)

    drive(workbench(stand), play)
    assert stand.asked == [Ask(":8080", "ns:lan")]


def test_the_commands_of_the_fix_are_copied() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("y")
        expected = "nsenter --net=/run/netns/dh iptables -D DOCKER-USER -p tcp --dport 80 -j DROP"
        assert bench(pilot).clipboard == expected

    drive(workbench(ask=ASK), play)


def test_nothing_is_copied_where_nothing_is_broken() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        await pilot.press("y")
        assert bench(pilot).clipboard == ""

    drive(workbench(Stand(connected_verdict()), ask=ASK), play)


def test_a_filter_counts_what_it_leaves_and_escape_clears_it() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        rules = bench(pilot).panes.rules
        await pilot.press("2", "slash", *"masq", "enter")
        assert (rules.found, rules.total) == (2, 20)
        assert "2 of 20" in str(rules.border_subtitle)
        assert "DOCKER-USER" not in text(bench(pilot), "rules")
        await pilot.press("escape")
        assert rules.pattern == ""
        assert "RETURN" in text(bench(pilot), "rules")

    drive(workbench(), play)


def test_panes_are_reached_by_number_and_by_tab() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        panes = bench(pilot).panes
        for key, name in (("1", "topology"), ("2", "rules"), ("3", "path"), ("4", "answer"), ("tab", "topology")):
            await pilot.press(key)
            await until(pilot, lambda name=name: panes.pane(name).has_focus)  # type: ignore[misc]

    drive(workbench(), play)


def test_a_narrow_terminal_shows_one_pane_and_the_answer_below() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        visible = [name for name in ("topology", "rules", "path", "answer") if app.panes.pane(name).display]
        assert visible == ["path"]
        assert "3 Path" in line(app, "tabs")
        assert "✗ NOT REACHABLE" in line(app, "strip")
        await pilot.press("1")
        await until(pilot, lambda: app.panes.topology.has_focus)
        assert "◎ web    172.17.0.2  :8080→80 httpd" in text(app, "topology")

    drive(workbench(ask=ASK), play, size=(80, 24))


def test_a_tab_of_the_narrow_layout_leads_to_its_pane_by_the_pointer() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        for x, pane in ((26, "path"), (3, "topology"), (35, "answer"), (14, "rules"), (60, "rules")):
            await pilot.click("#tabs", offset=(x, 0))
            assert app.panes.current == pane
            assert app.panes.pane().has_focus

    drive(workbench(), play, size=(80, 24))


def test_a_tiny_terminal_is_drawn_too() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        for key in "1234":
            await pilot.press(key)
        assert bench(pilot).is_running

    drive(workbench(ask=ASK), play, size=(40, 12))


def test_zoom_gives_one_pane_the_screen_and_takes_it_back() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        panes = bench(pilot).panes
        await pilot.press("1", "plus")
        await until(pilot, lambda: panes.topology.size.width > 100)
        assert "vethc06dc9f" in text(bench(pilot), "topology")
        await pilot.press("escape")
        await until(pilot, lambda: panes.topology.size.width < 80)

    drive(workbench(), play)


def test_a_node_is_selected_by_the_pointer() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        rows = text(app, "topology").split("\n")
        y = next(number for number, row in enumerate(rows) if "● db" in row)
        await pilot.click("#topology", offset=(rows[y].index("db") + 1, y + 1))
        await until(pilot, lambda: app.panes.topology.selected is not None)
        assert app.panes.topology.selected is not None
        assert app.panes.topology.selected.label == "db"
        assert "127.0.0.1:5432 postgres" in line(app, "detail")

    drive(workbench(), play)


def test_a_rule_is_selected_by_the_pointer() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        rows = text(app, "rules").split("\n")
        y = next(number for number, row in enumerate(rows) if ":8080" in row)
        await pilot.click("#rules", offset=(10, y + 1))
        await until(pilot, lambda: app.panes.rules.cursor == DNAT)

    drive(workbench(), play)


def test_arrow_keys_move_through_the_topology() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        topology = bench(pilot).panes.topology
        labels = []
        for key in ("1", "down", "right", "right", "down", "h", "h", "h", "h"):
            await pilot.press(key)
            labels.append(topology.selected.label if topology.selected else "")
        assert labels == ["", "dh", "docker0", "web", "db", "docker0", "dh", "up0", "lan"]

    drive(workbench(), play)


def test_space_unfolds_a_crowded_bridge() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("1")
        assert "more (space)" in text(app, "topology")
        before = app.panes.topology.virtual_size.height
        await pilot.press("space")
        assert app.panes.topology.virtual_size.height > before + 10
        assert "more (space)" not in text(app, "topology")

    drive(workbench(look=lambda: crowded_host(30)), play)


def test_a_refused_look_is_a_state_on_the_screen() -> None:
    def refuse() -> Snapshot:
        raise refused("netlink is not permitted here; run as root")

    async def play(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await until(pilot, lambda: "run as root" in line(app, "trouble"))
        assert "Nothing to show yet" in text(app, "topology")
        await pilot.press("w", "enter", "y", "1", "j", "3", "j", "slash", "escape")
        assert app.is_running

    drive(workbench(look=refuse), play)


def test_a_fault_while_answering_keeps_what_is_shown() -> None:
    class Broken(Stand):
        def answer(self, _snapshot: Snapshot, _question: Question) -> Verdict:
            raise RuntimeError("boom")

    async def play(pilot: Pilot[int]) -> None:
        app = bench(pilot)
        await until(pilot, lambda: "RuntimeError: boom" in line(app, "trouble"))
        assert "● web" in text(app, "topology")

    drive(workbench(Broken(), ask=ASK), play)


def test_what_could_not_be_read_has_a_badge_and_a_reason() -> None:
    gaps = (Gap("firewall", "dh", "not permitted; run as root"),)

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert "⚠ 1 not inspected" in line(app, "header")
        assert "firewall in dh: not permitted" in text(app, "answer")

    drive(workbench(look=lambda: docker_host(gaps=gaps)), play)


def test_a_firewall_that_could_not_be_read_is_not_an_empty_one() -> None:
    def blind() -> Snapshot:
        base = docker_host(gaps=(Gap("nft", "dh", "not permitted; run as root"),))
        host = replace(base.host_netns, firewall=type(base.host_netns.firewall)())
        return replace(base, namespaces=(host, *base.namespaces[1:]))

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        assert "⚠ nft not inspected:" in text(bench(pilot), "rules")
        assert "has no rules" not in text(bench(pilot), "rules")

    drive(workbench(look=blind), play)


def test_a_live_host_that_changes_keeps_the_user_where_he_is() -> None:
    hosts = [docker_host(), docker_host(dropped=False)]

    async def play(pilot: Pilot[int]) -> None:
        await answered(pilot)
        app = bench(pilot)
        await pilot.press("k", "k", "k", "2", "j")
        cursor = app.panes.rules.cursor
        await pilot.press("r")
        await until(pilot, lambda: "19 rules" in line(app, "header"))
        assert app.panes.current == "rules"
        assert app.panes.path.cursor == (0, 1, 2)
        assert cursor is not None

    drive(workbench(look=lambda: hosts.pop(0) if len(hosts) > 1 else hosts[0], ask=ASK, live=True), play)


def test_a_host_that_cannot_be_looked_at_any_more_is_shown_as_last_seen_until_another_one_is_opened() -> None:
    looks = [docker_host()]

    def look() -> Snapshot:
        if looks:
            return looks.pop()
        raise refused("no lab shop is up; up are: none")

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "not live" in line(app, "header"))
        assert "no lab shop is up" in line(app, "trouble")
        assert "172.17.0.2" in text(app, "topology")
        app.open(Given("another", docker_host, live=True))
        assert "Reading the host" in text(app, "rules")
        await until(pilot, lambda: app.panes.snapshot is not None)
        assert "live" in line(app, "header")
        assert not app.query_one("#trouble").has_class("-shown")

    drive(workbench(look=look, live=True), play)


def test_words_of_the_host_cannot_steer_the_terminal() -> None:
    evil = "\x1b]0;title\x07\x1b[2J\tx"
    base = docker_host()
    containers = tuple(replace(one, name=f"{one.name}{evil}") for one in base.containers)
    host = replace(base, containers=containers, hostname=evil, gaps=(Gap("nft", evil, evil),))

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        app.notify(evil, title=evil)
        await pilot.press("1", "l", "l", "l", "w")
        for widget in app.screen.query("*"):
            for strip in widget.render_lines(widget.size.region):
                assert strip.text.isprintable(), widget
        assert "web␛]" in text(app, "topology")

    drive(workbench(look=lambda: host), play)


def test_freezing_is_told_in_the_header() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert "live" in line(app, "header")
        await pilot.press("f")
        assert "frozen" in line(app, "header")

    drive(workbench(live=True), play)


def test_a_file_offers_neither_refresh_nor_freeze() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        listed = {active.binding.description for active in bench(pilot).active_bindings.values() if active.enabled}
        assert "freeze" not in listed
        assert "why" in listed

    drive(workbench(), play)


def test_the_help_is_broken_at_the_width_that_there_is() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("question_mark")
        for width in (60, 120):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            shown = pilot.app.screen.query_one(Static)
            lines = str(shown.render()).split("\n\n", 1)[1].split("\n")
            assert shown.size.width >= max(map(cells, lines)) > min(shown.size.width, WIDTH) - COLUMN
        await pilot.press("j", "j", "k")
        assert pilot.app.screen.query_one(VerticalScroll).scroll_offset.y == 1

    drive(workbench(), play)


def test_the_help_lists_every_key_of_the_table() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Help))

    drive(workbench(), play)
    keys = " ".join(keys for keys, _ in help_lines()).split()
    assert {key for action in ACTIONS for key in action.keys_for_people.split()} == set(keys)


def test_no_key_is_bound_twice() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",") if key]
    assert len(set(keys)) == len(keys)


def test_the_palette_offers_actions_and_questions() -> None:
    stand = Stand()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("colon")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1)
        await pilot.press(*"5432")
        found = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: found.option_count == 1 and ":5432" in str(found.get_option_at_index(0).prompt))
        await pilot.press("enter")
        await answered(pilot)

    drive(workbench(stand), play)
    assert stand.asked == [Ask(":5432", "ns:lan")]


def test_q_leaves_and_ends_the_thread() -> None:
    app = workbench()

    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        await pilot.press("q")

    drive(app, play)
    assert not app.stage.session._thread.is_alive()


def test_the_card_breaks_its_lines_for_the_pane_that_it_is_shown_in() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        assert "w asks why a port can or cannot be reached. Or choose one of these" in text(app, "answer")
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "Or choose one of these" in text(app, "answer").split("\n")[2])

    drive(workbench(), play, size=(80, 24))


def test_the_palette_offers_things_by_name_and_what_was_chosen_first() -> None:
    async def play(pilot: Pilot[int]) -> None:
        await looked(pilot)
        app = bench(pilot)
        found = {title: run for title, _, run in app.offers()}
        assert {"Show web", "Show docker0", "Show filter/DOCKER-USER", "Leave"} <= set(found)
        found["Show db"]()
        assert app.panes.current == "topology"
        assert app.panes.topology.selected is not None
        assert app.panes.topology.selected.name == "db"
        found["Show filter/DOCKER-USER"]()
        assert app.panes.current == "rules"
        assert app.panes.rules.cursor[3:] == ("DOCKER-USER", 0)  # type: ignore[index]
        titles = [title for title, _, _ in app.offers()]
        assert titles[:2] == ["Show filter/DOCKER-USER", "Show db"]
        assert len(titles) == len(set(titles))
        await pilot.pause()

    drive(workbench(), play)
