"""The names that a search list makes of one, in the order in which they are asked for.

glibc asks for the name as it is first where it has `ndots` dots (resolv.conf(5); resolv/res_query.c,
__res_context_search), else last. musl does not search at all for a name with `ndots` dots
(src/network/lookup_name.c, name_from_dns_search).
"""

from __future__ import annotations

from engine.model.application.naming import Libc, NameConfig


def candidates(config: NameConfig, name: str) -> tuple[str, ...]:
    """The names to ask for, without a dot at their end."""
    if name.endswith("."):
        return (name.rstrip("."),)
    searched = tuple(f"{name}.{domain}" for domain in config.search)
    if name.count(".") < config.ndots:
        return (*searched, name)
    return (name,) if config.libc is Libc.MUSL else (name, *searched)
