"""A hypothetical change as a person writes it (`delete rule filter/DOCKER-USER 1`), as changes of a snapshot.

`FORMS` is the grammar: a pattern, an example, and what it means. The titles of fixes are forms as well, so that one can
be pasted. A place in a namespace is the host's unless the sentence ends in `in NETNS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.explain.question import QuestionError
from engine.explain.whatif import meanings
from engine.model.host import Snapshot
from engine.model.plan import Change

Meaning = Callable[[Snapshot, re.Match[str]], tuple[Change, ...]]


class SentenceForm(NamedTuple):
    """One form of a sentence."""

    pattern: re.Pattern[str]
    example: str
    meaning: Meaning


def changes_of(snapshot: Snapshot, sentence: str) -> tuple[Change, ...]:
    """The changes that a sentence means. Raises `QuestionError` with one line for what is no form, or is not there."""
    text = " ".join(sentence.split())
    for form in FORMS:
        found = form.pattern.fullmatch(text)
        if found is not None:
            try:
                return form.meaning(snapshot, found)
            except QuestionError as error:
                raise QuestionError(f"--if {sentence!r}: {error}") from None
            except ValueError as error:
                raise QuestionError(f"--if {sentence!r}: {error}; for example {form.example!r}") from None
    examples = "; ".join(form.example for form in FORMS)
    raise QuestionError(f"--if {sentence!r} is no change that is understood; forms: {examples}")


def _forms() -> Iterator[SentenceForm]:
    netns = r"(?: in (?P<netns>\S+))?"
    backend = r"(?:(?P<backend>nft|xt-nft|xt-legacy) )?"
    chain = backend + r"(?:(?P<family>ip6?|inet|bridge|arp|netdev) )?(?P<table>[^\s/]+)/(?P<chain>\S+)"
    numbered = rf"(?:{chain} (?P<handle>handle )?(?P<number>\d+))"
    protocol = r"(?P<protocol>tcp|udp|sctp)"
    end = r"(?P<address>[0-9a-fA-F:.\[\]]+)?:(?P<port>\d{1,5})"
    yield _form(rf"delete rule {numbered}{netns}", "delete rule filter/DOCKER-USER 1", meanings.delete_rule)
    yield _form(
        rf"delete rule (?P<handle>handle )?(?P<number>\d+) of {chain}{netns}",
        "delete rule 1 of filter/DOCKER-USER",
        meanings.delete_rule,
    )
    yield _form(
        rf"(?P<verb>accept|drop) {protocol}(?: from (?P<source>\S+))? to {end} "
        rf"(?:before rule (?P<handle>handle )?(?P<number>\d+) of|in) {chain}{netns}",
        "drop tcp to 172.17.0.2:80 before rule 1 of filter/DOCKER-USER",
        meanings.insert_rule,
    )
    yield _form(
        rf"set the policy of {chain} to (?P<policy>accept|drop){netns}",
        "set the policy of filter/FORWARD to accept",
        meanings.set_policy,
    )
    yield _form(
        rf"(?:sysctl|set) (?P<name>net\.[\w./-]+) ?(?:=| to) ?(?P<value>-?\d{{1,10}}){netns}",
        "sysctl net.ipv4.ip_forward=1",
        meanings.set_sysctl,
    )
    yield _form(r"enable forwarding in (?P<netns>\S+)", "enable forwarding in host", meanings.enable_forwarding)
    yield _form(
        rf"publish (?P<name>\S+) (?P<outer>\d{{1,5}}):(?P<inner>\d{{1,5}})(?:/{protocol})?",
        "publish web 8080:80",
        meanings.publish,
    )
    yield _form(
        rf"stop listening on {end}(?:/{protocol})?{netns}",
        "stop listening on 0.0.0.0:80 in web",
        meanings.stop_listening,
    )
    yield _form(r"stop (?P<name>\S+)", "stop db", meanings.stop_container)
    yield _form(
        r"connect (?P<name>\S+) to (?:network )?(?P<network>\S+)",
        "connect web to network back",
        meanings.connect_container,
    )
    yield _form(rf"set (?P<link>\S+){netns} (?P<state>up|down)", "set eth0 in web down", meanings.set_link)
    yield _form(rf"listen on {end}(?:/{protocol})?{netns}", "listen on 0.0.0.0:80 in web", meanings.listen)
    yield _form(
        rf"add (?:route )?(?P<to>\S+)(?: route)? via (?P<gateway>\S+)(?: dev (?P<link>\S+))?{netns}",
        "add route 10.1.0.0/16 via 10.0.0.1",
        meanings.add_route,
    )
    yield _form(rf"delete route (?P<to>\S+){netns}", "delete route 10.1.0.0/16", meanings.delete_route)


def _form(pattern: str, example: str, meaning: Meaning) -> SentenceForm:
    return SentenceForm(re.compile(pattern), example, meaning)


#: The grammar.
FORMS: tuple[SentenceForm, ...] = tuple(_forms())
