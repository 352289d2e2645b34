"""Words that the layouts in nftables share. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def nft_chain(name: str, lines: Sequence[str]) -> str:
    """A chain of a table as `nft list` writes it."""
    body = "".join(f"\t\t{line}\n" for line in lines)
    return f"\tchain {name} {{\n{body}\t}}\n"
