from __future__ import annotations

import gzip
import json
import os
import stat
import tracemalloc
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.container import Network
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Firewall,
    Interval,
    Match,
    Note,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.route import NextHop, Route
from engine.observe.recording import snapshot_file
from engine.observe.recording.references import sound
from engine.observe.recording.snapshot_file import RecordingError, dumps, loads, open_file, save
from tests.observe.snapshots import snapshots

RULE = Rule(
    0,
    (Match((Field("ip daddr"),), ((Interval(1, 2),),)), Note("counter"), RuleVerdict(VerdictKind.DROP)),
    "-d 0.0.0.1-0.0.0.2 -j DROP",
)
SMALL = Snapshot(
    host="host",
    namespaces=(
        Netns(
            "host",
            links=(Link(1, "lo", "loopback"), Link(2, "eth0", detail={"b": "2", "a": "1"})),
            routes=(Route(IPv4Network("10.0.0.0/8"), nexthops=(NextHop(2, IPv4Address("10.0.0.1")),)),),
            sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.rp_filter": 2},
            firewall=Firewall(
                (Table(Backend.NFT, "ip", "t", (Chain("c", (RULE,), BaseChain("filter", "input", 0)), Chain("d"))),)
            ),
        ),
    ),
)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dumps(SMALL))
    return found


def refused(text: str) -> str:
    with pytest.raises(RecordingError) as caught:
        loads(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(snapshots())
def test_any_snapshot_is_read_back_equal_and_written_the_same_again(snapshot: Snapshot) -> None:
    snapshot = sound(snapshot)
    text = dumps(snapshot)
    again = loads(text)
    assert again == snapshot
    assert dumps(again) == text
    assert json.loads(text)["schema"] == "portscope.snapshot/1"


def test_the_order_in_which_mappings_and_sets_were_filled_does_not_show() -> None:
    one = Snapshot("h", (Netns("h", sysctls={"a": 1, "b": 2}),))
    other = Snapshot("h", (Netns("h", sysctls={"b": 2, "a": 1}),))
    assert dumps(one) == dumps(other)


def test_fields_with_their_default_are_left_out() -> None:
    assert document()["namespaces"][0]["links"][0] == {"index": 1, "name": "lo", "kind": "loopback"}


def test_every_rule_and_sysctl_has_a_line_of_its_own() -> None:
    lines = [line.strip().rstrip(",") for line in dumps(SMALL).splitlines()]
    assert '"net.ipv4.ip_forward": 1' in lines
    assert any(line.startswith('{"index": 0, "statements"') and line.endswith("}") for line in lines)


def test_names_that_are_no_unicode_survive() -> None:
    snapshot = Snapshot("h", (Netns("h", links=(Link(1, os.fsdecode(b"\xff\x80")),)),))
    assert loads(dumps(snapshot)) == snapshot


def test_a_document_may_have_its_fields_in_any_order() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(part) for part in value] if isinstance(value, list) else value

    assert loads(json.dumps(turned(document()))) == SMALL


@pytest.mark.parametrize("text", ["", "hello", "<html>", "{'a': 1}"])
def test_what_is_not_json_is_said_to_be_none(text: str) -> None:
    assert "not JSON" in refused(text) or "ends too early" in refused(text)


def test_a_truncated_recording_is_refused_wherever_it_is_cut() -> None:
    text = dumps(SMALL)
    for length in range(1, len(text) - 1, 7):
        assert "recording" in refused(text[:length])
    assert "ends too early" in refused(text[: len(text) // 2].rpartition(",")[0])


@pytest.mark.parametrize("text", ["[]", "null", "1", "{}", '{"schema": 1}', '{"schema": "portscope.why/1"}'])
def test_another_document_is_no_snapshot(text: str) -> None:
    assert "not a snapshot" in refused(text)


def test_a_newer_version_asks_for_a_newer_portscope() -> None:
    assert "update" in refused(json.dumps(document() | {"schema": "portscope.snapshot/2"}))


@pytest.mark.parametrize("version", ["", "0", "x", "1.5", "9" * 5000])
def test_versions_that_never_were_are_refused(version: str) -> None:
    assert "version" in refused(json.dumps(document() | {"schema": f"portscope.snapshot/{version}"}))


@pytest.mark.parametrize("deep", ["[" * 200_000, '{"schema": ' * 100_000, "[" * 900 + "]" * 900])
def test_deep_nesting_is_refused(deep: str) -> None:
    refused(deep)
    refused('{"schema": "portscope.snapshot/1", "host": ' + deep + "}")


def test_a_field_that_comes_twice_is_named() -> None:
    text = dumps(SMALL).replace('"net.ipv4.ip_forward": 1', '"net.ipv4.ip_forward": 1, "net.ipv4.ip_forward": 0')
    assert "'net.ipv4.ip_forward' twice" in refused(text)


@pytest.mark.parametrize("word", ["NaN", "-Infinity", "9" * 5000, "9" * 50, "-" + "9" * 50, "1e999", "1.5", "true"])
def test_numbers_that_are_no_integers_are_refused(word: str) -> None:
    refused(dumps(SMALL).replace('"net.ipv4.ip_forward": 1', f'"net.ipv4.ip_forward": {word}'))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda netns: netns["links"][1].update(name=5), "namespaces[0].links[1].name"),
        (lambda netns: netns["links"][1].update(index=True), "namespaces[0].links[1].index"),
        (lambda netns: netns["links"][1].pop("name"), "namespaces[0].links[1]"),
        (lambda netns: netns["links"][1].update(colour="red"), "namespaces[0].links[1]"),
        (lambda netns: netns["links"][1].update(detail={"a": 1}), "namespaces[0].links[1].detail['a']"),
        (lambda netns: netns["routes"][0].update(destination="10.0.0.1/8"), "namespaces[0].routes[0].destination"),
        (lambda netns: netns["routes"][0].update(nexthops={}), "namespaces[0].routes[0].nexthops"),
        (lambda netns: netns["firewall"]["tables"][0].update(backend="pf"), "namespaces[0].firewall.tables[0].backend"),
        (lambda netns: netns.update(sysctls=[]), "namespaces[0].sysctls"),
        (lambda netns: netns.update(firewall=None), "namespaces[0].firewall"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(change: Any, place: str) -> None:
    damaged = document()
    change(damaged["namespaces"][0])
    assert f"damaged at {place}: " in refused(json.dumps(damaged))


@pytest.mark.parametrize(
    "statement",
    [{"is": "Sing"}, {}, {"is": ["Note"]}, "drop", 1, None, {"is": "Verdict", "kind": "jump"}, {"is": "Note"}],
)
def test_a_statement_that_is_none_is_named_with_its_place(statement: object) -> None:
    damaged = document()
    chain = damaged["namespaces"][0]["firewall"]["tables"][0]["chains"][0]
    chain["rules"][0]["statements"][1] = statement
    assert "chains[0].rules[0].statements[1]" in refused(json.dumps(damaged))


def test_a_snapshot_that_contradicts_itself_is_refused() -> None:
    assert "host namespace" in refused(json.dumps(document() | {"host": "nowhere"}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_a_recording_with_one_bent_value_is_read_or_refused(data: st.DataObject) -> None:
    bent = document()
    at: Any = bent
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.integers(0, 4)) == 0:
            break
        at = at[key]
    at[key] = data.draw(json_values)
    try:
        found = loads(json.dumps(bent))
    except RecordingError:
        return
    assert isinstance(found, Snapshot)


@given(st.text())
def test_any_text_is_refused_in_one_line(text: str) -> None:
    refused(text)


# --- files ----------------------------------------------------------------------------------------------


def test_a_saved_snapshot_is_opened_equal(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    save(SMALL, path)
    assert open_file(path) == SMALL
    assert open_file(str(path)) == SMALL
    assert os.listdir(tmp_path) == ["host.json"]


def test_a_file_is_for_its_owner_alone_whatever_the_user_gives_to_new_files(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        save(SMALL, tmp_path / "host.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "host.json").stat().st_mode) == 0o600


def test_an_existing_file_is_replaced_or_kept_as_told(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text("old")
    with pytest.raises(RecordingError, match="exists"):
        save(SMALL, path, overwrite=False)
    assert path.read_text() == "old"
    save(SMALL, path)
    assert open_file(path) == SMALL
    assert os.listdir(tmp_path) == ["host.json"]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("host.json")
    save(SMALL, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert open_file(tmp_path / "host.json") == SMALL


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "host.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.observe.recording.snapshot_file.os.replace", full)
    with pytest.raises(RecordingError, match="No space left"):
        save(SMALL, path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["host.json"])


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot write .*: No such file"):
        save(SMALL, tmp_path / "no" / "host.json")


def test_a_device_is_written_to_and_stays() -> None:
    save(SMALL, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "not text"), (b"{", "ends too early"), (b"", "ends too early"), (b"[]", "not a snapshot")],
)
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        open_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", ".", "pipe"):
        with pytest.raises(RecordingError, match=r"cannot be read|not a file"):
            open_file(tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "LARGEST", 1 << 20)
    path = tmp_path / "huge.json"
    with open(path, "wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(RecordingError, match="larger than 1 MiB"):
        open_file(path)
    with pytest.raises(RecordingError, match="larger than 1 MiB"):
        loads(" " * ((1 << 20) + 1))


def test_a_file_that_gzip_packed_is_read_and_a_broken_or_endless_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_file, "LARGEST", 1 << 20)
    host = Snapshot("h", (Netns("h", 1),))
    path = tmp_path / "host.json.gz"
    path.write_bytes(gzip.compress(dumps(host).encode()))
    assert open_file(path) == host
    whole = path.read_bytes()
    for data, words in (
        (whole[:-9], "cannot be unpacked"),
        (whole[:30] + b"\xff" * 30, "cannot be unpacked"),
        (gzip.compress(bytes(2 << 20)), "larger than 1 MiB"),
        (gzip.compress(b"nothing of ours"), "not JSON"),
    ):
        path.write_bytes(data)
        with pytest.raises(RecordingError, match=words):
            open_file(path)


def test_a_file_of_500_megabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with open(path, "wb") as file:
        file.truncate(500_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError, match="larger than 256 MiB"):
            open_file(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_route_that_leads_nowhere_is_a_gap() -> None:
    kept = Route(ip_network("10.1.0.0/24"), nexthops=(NextHop(1),))
    lost, refused_one = Route(ip_network("10.2.0.0/24")), Route(ip_network("10.3.0.0/24"), kind="blackhole")
    found = sound(Snapshot("h", (Netns("h", routes=(kept, lost, refused_one)),)))
    assert found.host_netns.routes == (kept, refused_one)
    assert [gap.reason for gap in found.gaps] == ["the route to 10.2.0.0/24 has no next hop in the file"]


def test_a_rule_s_number_is_its_place() -> None:
    rules = (Rule(7 << 70, (), "accept"), Rule(0, (), "drop"))
    table = Table(Backend.NFT, "inet", "t", (Chain("c", rules),))
    found = sound(Snapshot("h", (Netns("h", firewall=Firewall((table,))),)))
    assert [rule.index for rule in found.host_netns.firewall.tables[0].chains[0].rules] == [0, 1]
    assert [gap.reason for gap in found.gaps] == ["the rules of t/c are not numbered as they stand in the file"]


def test_a_network_s_subnets_are_read_as_engines_tell_them() -> None:
    network = Network("n", "docker", "bridge", subnets=("172.28.0.1/16", "'", "fd00::/64"))
    assert network.ranges == (ip_network("172.28.0.0/16"), ip_network("fd00::/64"))
