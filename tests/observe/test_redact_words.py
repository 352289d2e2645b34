"""What people wrote beside rules and devices leaves the house in other words; what tools wrote stays."""

from __future__ import annotations

import pytest

from engine.observe.recording.redact_words import Words


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("allow ssh from acme-bank laptop of alice", "allow ssh from word-1 word-2 of word-3"),
        ("TICKET-4711, ask bob@acme.example", "word-1, word-2 mail-1"),
        ("kubernetes service portals", "kubernetes service word-1"),
        ("cali:hJ8f_3", "cali:word-1"),
        ("UNPUBLISHED PORT DROP", "UNPUBLISHED PORT DROP"),
        ("INTERNAL NETWORK INGRESS", "INTERNAL NETWORK INGRESS"),
        ("port 8080 of container-1", "port 8080 of container-1"),
        ("", ""),
    ],
)
def test_words_of_people_are_others_and_those_of_tools_stay(text: str, other: str) -> None:
    assert Words().free(text) == other


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (
            '-A FORWARD -p tcp -m tcp --dport 80 -m comment --comment "db1.acme.example, INC-7" -j DROP',
            '-A FORWARD -p tcp -m tcp --dport 80 -m comment --comment "word-1, word-2" -j DROP',
        ),
        ("-A INPUT -m comment --comment acme-web -j ACCEPT", "-A INPUT -m comment --comment word-1 -j ACCEPT"),
        ('-A INPUT -j LOG --log-prefix "ACME blocked: "', '-A INPUT -j LOG --log-prefix "word-1 blocked: "'),
        ("-m string --string secret-token --algo bm", "-m string --string word-1 --algo bm"),
        (
            'tcp dport 22 log prefix "acme " drop comment "bob"',
            'tcp dport 22 log prefix "word-1 " drop comment "word-2"',
        ),
        ("cannot reach db1.prod.acme.example", "cannot reach name-1"),
        ("net.ipv4.conf.all.forwarding is 0", "net.ipv4.conf.all.forwarding is 0"),
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("unix:///run/user/1000/podman/podman.sock", "unix:///run/user/1000/podman/podman.sock"),
        ("unix:///srv/acme/engine/docker.sock", "unix:///run/folder-1/docker.sock"),
        ("-A DOCKER -o br-4a08e0002131 -j ACCEPT", "-A DOCKER -o br-4a08e0002131 -j ACCEPT"),
    ],
)
def test_in_a_tool_s_text_only_what_people_chose_is_other(text: str, other: str) -> None:
    assert Words().technical(text) == other


def test_a_short_id_stays_the_beginning_of_the_long_one() -> None:
    words, long = Words(), "f9447a11bab2c492627f3e70b0fd49078f73839bf4a055b39dffee21eaa2a1ce"
    other = words.ids(long)
    assert (len(other), other != long) == (64, True)
    assert words.ids(long[:12]) == other[:12]
    assert Words().ids(long) != other


def test_the_same_word_is_the_same_pseudonym_everywhere() -> None:
    words = Words()
    assert words.free("alice") == words.free("by alice").removeprefix("by ") == "word-1"
    assert words.technical('--comment "alice and bob"') == '--comment "word-1 and word-2"'
