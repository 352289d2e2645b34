"""Compose files, mutated: each becomes a plan and a script, or is refused in one line."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML

from engine.lab import library, lifecycle
from engine.lab.errors import LabError
from engine.lab.save import save
from engine.lab.script import script
from tests.mutations.documents import mutated

#: Nine levels of nine aliases each: a kilobyte that stands for more values than there is memory.
LAUGHS = "m: &m {a: 1}\n" + "".join(
    f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1 if level else str()}'] * 9)}]}}\n" for level in range(9)
)
#: Text that no structure has: what a parser has to survive.
ODD = (
    *("[" * 3000, "{" * 3000, "a: " * 2000, "- " * 2000, "? [a]\n: b\n", "x: &a {<<: *a}\n", "&a [*a]\n"),
    *("\t", "\x00", "!!python/object:os.system x\n", "%YAML 9.9\n---\n", "a: *nobody\n", "{a: 1, a: 2}\n"),
    "- 1\nb: 2\n",
    *("services: {web: {ports: ['" + "9" * 5000 + "']}}\n", "services: {? {a: b} : {}}\n"),
    LAUGHS,
    "services: {web: {}}\nnetworks: {default: {ipam: {config: [{subnet: 255.255.255.255/32}]}}}\n",
)  # fmt: skip


def documents() -> list[Any]:
    """The gallery, to begin with."""
    return [YAML(typ="safe").load(library.text(name)) for name in library.names()]


def case(seed: int, known: list[Any]) -> str:
    """A mutation by its seed, as a file's text."""
    dice = random.Random(seed)
    document = mutated(dice, dice.choice(known))
    text = json.dumps(document)  # which is YAML
    if dice.random() < 0.15:
        at = dice.randrange(len(text))
        text = dice.choice((text[:at], text[:at] + text[at + dice.randrange(1, 9) :], text[:at] + dice.choice(ODD)))
    return dice.choice(ODD) if dice.random() < 0.05 else text


def defects(text: str) -> Iterator[str]:
    """Drafts a lab. Gives what is wrong with what comes of it; an exception that is no `LabError` is a defect."""
    try:
        draft = lifecycle.draft(text, "compose.yaml", "mutated")
        script(draft.plan)
        save(draft.lab, ())
    except LabError as error:
        line = str(error)
        if "\n" in line or len(line) > 1000:
            yield f"not one line, or too long: {line[:150]!r}"
