"""`portscope explain [NAME]`: what a code or a term of an answer means, for who knows containers and not the kernel."""

from __future__ import annotations

import difflib
from argparse import Namespace

from engine.catalogue import CODES, page_of
from engine.catalogue.words import WORDS, Word, find_word
from views.text import paragraph
from workbench import output, paging
from workbench.exits import Exit, usage
from workbench.handbook import page

SCHEMA = "portscope.explain/1"
Entry = dict[str, str | None]


def run(arguments: Namespace) -> Exit:
    """Prints one, or the list. Raises `Refusal` for a name that no answer uses."""
    asked = " ".join(arguments.name)
    entries = [_named(asked)] if asked else [*map(_word, WORDS), *map(_code, CODES)]
    if arguments.json:
        output.emit_json({"schema": SCHEMA, "entries": entries})
    else:
        paging.emit(_text(entries[0]) if asked else _list(output.width()))
    return Exit.DONE


def _named(asked: str) -> Entry:
    """The code or term of a name."""
    if (code := asked.upper().replace("-", "_")) in CODES:
        return _code(code)
    if (word := find_word(asked)) is not None:
        return _word(word)
    known = {name.lower(): name for name in (*CODES, *(each.name for each in WORDS))}
    near = difflib.get_close_matches(asked.lower(), known, 1)
    hint = f"did you mean {known[near[0]]}?" if near else "'portscope explain' lists what there is"
    raise usage(f"no answer of portscope uses {asked!r:.80}; {hint}")


def _text(entry: Entry) -> str:
    """A code's page, or a term's line."""
    if entry["page"]:
        text = page(f"causes/{entry['name']}.md")
        return f"{text}\n{entry['page']}\n"
    return "".join(f"{line}\n" for line in paragraph(f"{entry['name']}: {entry['meaning']}", output.width()))


def _list(width: int) -> str:
    """All terms and codes with their meanings."""
    terms = [line for word in WORDS for line in paragraph(word.meaning, width, first=f"  {word.name}: ", rest="      ")]
    codes = [
        line
        for name, code in CODES.items()
        for line in paragraph(code.meaning, width, first=f"  {name}: ", rest="      ")
    ]
    return "\n".join(
        ["Terms of answers", *terms, "", "Codes of causes ('portscope explain CODE' has an example)", *codes, ""]
    )


def _word(word: Word) -> Entry:
    return {"kind": "term", "name": word.name, "meaning": word.meaning, "client": None, "fix": None, "page": None}


def _code(name: str) -> Entry:
    code = CODES[name]
    return {
        "kind": "cause",
        "name": name,
        "meaning": code.meaning,
        "client": code.client,
        "fix": code.fix,
        "page": page_of(name),
    }
