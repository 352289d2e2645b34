"""Collected files that are damaged, hostile or of other tools' versions, and the parsers of each tool's text."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.explain.question import resolve
from engine.explain.target_host import QuestionError
from engine.model.address import Family
from engine.model.link import Peer
from engine.model.packet import Protocol
from engine.observe.collected.listeners import parse_processes, parse_ss
from engine.observe.collected.routes import parse_routes, parse_rules
from engine.observe.collected.sections import CollectedError, split
from engine.observe.collected.snapshot import loads
from engine.observe.recording.snapshot_file import RecordingError, open_file

MARK = "5a6b"


def document(*sections: str) -> str:
    return "\n".join((f"portscope-collected/1 {MARK}", *sections, f"{MARK} done", ""))


def section(source: str, text: str, netns: int = 0, status: int = 0, complaint: str = "") -> str:
    return f"{MARK} begin {source} {netns}\n{text}\n{MARK} end {source} {status} {complaint}"


HOST = 4026531840
FACTS = section("facts", f"hostname box\nkernel 5.4\ntime 2026-01-01T00:00:00+00:00\nuser 0\nown net:[{HOST}]")
LO = '{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"address":"00:00:00:00:00:00"}'


def veth(index: int, name: str, far: int, nsid: int) -> str:
    return (
        f'{{"ifindex":{index},"ifname":"{name}","flags":["UP"],"link_index":{far},"link_netnsid":{nsid},'
        f'"linkinfo":{{"info_kind":"veth"}}}}'
    )


def test_a_file_with_facts_alone_is_a_host_of_which_nothing_is_known() -> None:
    snapshot = loads(document(FACTS))
    assert (snapshot.hostname, snapshot.kernel, snapshot.host) == ("box", "5.4", "host")
    assert snapshot.host_netns.links == ()


def test_no_file_of_this_machine_is_taken_for_one_of_the_other() -> None:
    """hosts files, resolvers and proxies' configurations are not gathered; those that are here are other ones."""
    snapshot = loads(document(FACTS))
    assert (snapshot.name_configs, snapshot.resolvers, snapshot.proxies) == ((), (), ())
    with pytest.raises(QuestionError, match="how names are looked up is not in the snapshot"):
        resolve(snapshot, "http://blog.example.test/", "host")


def test_a_failed_tool_is_a_gap_with_its_own_words() -> None:
    snapshot = loads(document(FACTS, section("links", "", HOST, 127, "ip is not installed: install iproute2")))
    assert [(gap.source, gap.netns, gap.reason) for gap in snapshot.gaps] == [
        ("links", "host", "ip is not installed: install iproute2")
    ]


@pytest.mark.parametrize("text", ["[{", "[1, 2", '{"a": 1}', '[{"ifname": 3}]', "[" * 100_000, '[{"ifindex": "x"}]'])
def test_a_text_that_makes_no_sense_is_a_gap(text: str) -> None:
    snapshot = loads(document(FACTS, section("links", text, HOST)))
    assert [gap.source for gap in snapshot.gaps] == ["links"]


def test_output_cannot_forge_a_section() -> None:
    forged = f"x\nother begin links {HOST}\n[]\nother end links 0"
    assert split(document(section("relays", forged))).sections["relays", 0].text == forged


def test_a_namespace_that_was_cut_short_keeps_what_it_told() -> None:
    inner = f"{section('links', f'[{LO}]', HOST + 1)}\n{MARK} begin nft {HOST + 1}\nhalf"
    files = section("namespaces", f"{HOST + 1} /run/netns/web")
    snapshot = loads(document(FACTS, files, section("namespace", inner, HOST + 1, 124)))
    assert [link.name for link in snapshot.by_id["web"].links] == ["lo"]
    assert {gap.source: gap.netns for gap in snapshot.gaps} == {"nft": "web", "namespace": "web"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("portscope-collected/9 abc\n", "unknown version"),
        ("portscope-collected/1\n", "unknown version"),
        (document(FACTS).rpartition(MARK)[0], "ends too early"),
        (document(f"{MARK} end links 0"), "damaged"),
        (document(f"{MARK} begin links x"), "no number"),
        (document(f"{MARK} begin links 1"), "no end"),
        (document(), "which namespace"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(RecordingError, match=words) as caught:
        open_file(path)
    assert "\n" not in str(caught.value)


@given(st.lists(st.sampled_from([FACTS, MARK, "begin", "end", "links", f" {HOST}", "\n", " ", "0", "[]", LO, "done"])))
@settings(max_examples=300)
def test_no_file_raises_anything_else(parts: list[str]) -> None:
    with suppress(CollectedError):
        loads(f"portscope-collected/1 {MARK}\n" + "".join(parts))


@given(
    st.text(), st.sampled_from(["links", "addresses", "routes", "rules6", "nft", "xt-nft-iptables", "ss-tcp", "docker"])
)
@settings(max_examples=200)
def test_no_text_of_a_tool_raises(text: str, source: str) -> None:
    assert loads(document(FACTS, section("links", f"[{LO}]", HOST), section(source, text, HOST))).host == "host"


def test_pairs_are_joined_by_the_indexes_that_name_each_other() -> None:
    host = f"[{LO},{veth(5, 'a', 2, 0)},{veth(6, 'b', 2, 1)}]"
    sections = [section("links", host, HOST)]
    for number, far in ((1, 5), (2, 6)):
        sections.append(section("links", f"[{LO},{veth(2, 'eth0', far, 0)}]", HOST + number))
    files = section("namespaces", f"{HOST + 1} /run/netns/one\n{HOST + 2} /run/netns/two")
    snapshot = loads(document(FACTS, files, *sections))
    assert [link.peer for link in snapshot.host_netns.links] == [None, Peer("one", 2), Peer("two", 2)]
    assert snapshot.by_id["two"].links_by_name["eth0"].peer == Peer("host", 6)


def test_an_ambiguous_far_end_is_a_gap() -> None:
    sections = [section("links", f"[{LO},{veth(2, 'eth0', 2, 0)}]", HOST + number) for number in range(3)]
    files = section("namespaces", f"{HOST + 1} /run/netns/one\n{HOST + 2} /run/netns/two")
    snapshot = loads(document(FACTS, files, *sections))
    assert snapshot.host_netns.links_by_name["eth0"].peer == Peer(None, 2)
    assert {gap.source for gap in snapshot.gaps} == {"link peers"}


def test_names_and_numbers_of_routes_are_the_same() -> None:
    named = '[{"type":"unicast","dst":"10.0.0.0/8","gateway":"10.9.0.1","dev":"eth0","protocol":"static","flags":[]}]'
    numbers = named.replace("unicast", "1").replace("static", "4").replace('"dev"', '"table":"254","scope":"0","dev"')
    one, other = (parse_routes(text, Family.INET, {"eth0": 7}) for text in (named, numbers))
    assert one == other
    assert one[0].text == "10.0.0.0/8 via 10.9.0.1 dev eth0 proto static"


def test_names_and_numbers_of_policy_rules_are_the_same() -> None:
    named = '[{"priority":5,"src":"10.0.0.0","srclen":8,"ipproto":"tcp","dport":80,"table":"main"}]'
    numbers = named.replace("main", "254").replace('"tcp"', '"ipproto-6"')
    one, other = (parse_rules(text, Family.INET) for text in (named, numbers))
    assert one == other
    assert one[0].text == "5: from 10.0.0.0/8 ipproto tcp dport 80 lookup main"


def test_ss_of_every_age_is_read() -> None:
    new = "LISTEN 0 128 127.0.0.1%lo:53 0.0.0.0:* uid:101 ino:4711 sk:1 cgroup:/x <->"
    old = f"tcp    {new}"
    one, other = (parse_ss(text, Protocol.TCP, {"lo": 1}) for text in (new, old))
    assert one == other
    assert (one[0].device, one[0].uid, one[0].inode, one[0].backlog) == (1, 101, 4711, 128)
    both = parse_ss("LISTEN 0 5 *:80 *:* ino:1 sk:2 v6only:0 <->", Protocol.TCP, {})[0]
    assert (both.family, both.address, both.v6only) == (Family.INET6, None, False)


def test_a_name_with_a_line_break_hides_no_other_process() -> None:
    found = parse_processes(
        "dr-xr-xr-x 9 7 0 0 Jan 1 00:00 /proc/12\n12 (a\nb) S 1 1 1 0 -1 0 0\n13 (c) S 1 1 1 0 -1 0 0\n"
    )
    assert [process.pid for process in found.values()] == [13]
