"""Caddy's configuration as a table: of a Caddyfile, of JSON, or of a command line alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from engine.model.application.proxy import ConfigPlace, ProxyTable
from engine.observe.proxies.caddy import json_config, sites
from engine.observe.proxies.caddy.blocks import CaddyOptions, options_of, servers
from engine.observe.proxies.caddy.syntax import CaddyLine, parse
from engine.observe.proxies.root_files import RootFiles
from engine.records import replace

USUAL = "/etc/caddy/Caddyfile"
#: Where Caddy keeps the configuration that it was given last, by its packages (`--resume`).
SAVED = tuple(
    f"{folder}/caddy/autosave.json"
    for folder in ("/config", *(f"{home}/.config" for home in ("/root", "/var/lib/caddy")))
)


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the file that a command line names. Raises OSError, SyntaxTrouble."""
    options = {name: value for word in words for name, _, value in [word.partition("=")] if value} | dict(
        pairwise(words)
    )
    if "reverse-proxy" in words:
        return _passes(words, options)
    saved = next((each for each in SAVED if files.exists(each)), "")
    path = options.get("--config", options.get("-c", USUAL))
    if saved and ("--resume" in words or "docker-proxy" in words):
        path = saved
    if path.endswith(".json"):
        return table_of_json(files.text(path), path)
    return table(parse(files, path), path)


def table_of_json(text: str, path: str) -> ProxyTable:
    """The sites of a configuration in JSON. Raises SyntaxTrouble."""
    return sites.table(json_config.servers(text, path), path)


def table(entries: Sequence[CaddyLine], path: str = USUAL) -> ProxyTable:
    """The sites of a Caddyfile. Raises SyntaxTrouble."""
    blocks = [each for each in entries if each.words and each.block is not None and each.words[0][:1] not in ("(", "&")]
    if not blocks and entries:  # a file with one site may leave out its braces
        heads = [number for number, each in enumerate(entries) if each.words]
        blocks = [replace(entries[number], block=tuple(entries[number + 1 :])) for number in heads[:1]]
    options = options_of(entries)
    return sites.table(servers(blocks, options), path, reloads=options.reloads)


def _passes(words: Sequence[str], options: Mapping[str, str]) -> ProxyTable:
    """`caddy reverse-proxy --from ADDRESS --to SERVER`: one site, without a file."""
    at = ConfigPlace(" ".join(words))
    targets = [after for word, after in pairwise(words) if word in ("--to", "-t")]
    inner = CaddyLine(("reverse_proxy", *targets), at)
    block = CaddyLine((options.get("--from", options.get("-f", "localhost")),), at, (inner,))
    return sites.table(servers((block,), CaddyOptions()), at.file, reloads=False)
