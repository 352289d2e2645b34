"""A scenario as the text of its file: what `scenario.parse` reads back equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from tests.scenarios.scenario import End, Namespace, Question, Scenario

#: The lists of a namespace, in their order.
LISTS = (
    *("links", "settings", "vlans", "fdb", "nexthops", "routes", "rules", "neighbours", "ipsec"),
    *("flows", "listeners", "relays", "down"),
)
#: Lists longer than this are written one to a line.
WIDTH = 100


def written(scenario: Scenario) -> str:
    """The file."""
    return "\n".join(_lines(scenario)) + "\n"


def _lines(scenario: Scenario) -> Iterator[str]:
    yield f"title = {_text(scenario.title)}"
    story = scenario.story
    yield f"story = {_text(story)}" if "\n" not in story else f'story = """\n{story}\n"""'
    if scenario.disagrees:
        yield f"disagrees = {_text(scenario.disagrees)}"
    yield f"host = {_text(scenario.host)}"
    if scenario.wires:
        yield "wires = ["
        yield from (f"    [{_end(one)}, {_end(other)}]," for one, other in scenario.wires)
        yield "]"
    for each in scenario.namespaces:
        yield from _namespace(each)
    for question in scenario.questions:
        yield from _question(question)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _end(end: End) -> str:
    words = [f"{end.netns}:{end.link}", *([f"mac={end.mac}"] if end.mac else []), *end.addresses]
    return _text(" ".join(words))


def _list(key: str, values: Iterable[str]) -> Iterator[str]:
    words = [_text(value) for value in values]
    if not words:
        return
    line = f"{key} = [{', '.join(words)}]"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{key} = ["
    yield from (f"    {word}," for word in words)
    yield "]"


def _namespace(each: Namespace) -> Iterator[str]:
    yield ""
    yield f"[namespaces.{each.name}]"
    yield from _list("addresses", each.addresses)
    if each.sysctls:
        yield "sysctls = { " + ", ".join(f'"{name}" = {value}' for name, value in each.sysctls) + " }"
    for key in LISTS:
        yield from _list(key, getattr(each, key))
    for bridge in each.bridges:
        yield ""
        yield f"[namespaces.{each.name}.bridges.{bridge.name}]"
        yield from _list("addresses", bridge.addresses)
        yield from _list("ports", bridge.ports)
    for rules in each.firewall:
        yield ""
        yield f"[[namespaces.{each.name}.firewall]]"
        yield f'{rules.backend} = """\n{rules.text.rstrip()}\n"""'


def _question(question: Question) -> Iterator[str]:
    yield ""
    yield "[[questions]]"
    yield f"from = {_text(question.source)}"
    yield f"to = {_text(question.target)}"
    usual = Question(question.source, question.target)
    for key, value in (
        ("protocol", question.protocol),
        ("symptom", " or ".join(question.symptoms)),
        ("ending", question.ending),
        ("code", question.code),
        ("at", question.at),
    ):
        if value != (" or ".join(usual.symptoms) if key == "symptom" else getattr(usual, key)):
            yield f"{key} = {_text(value)}"
    if question.port:
        yield f"port = {question.port}"
    if question.fix != ("connects" if question.reach == "no" else "unasked"):
        yield f"fix = {_text(question.fix)}"
