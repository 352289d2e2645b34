"""The match options of a rule as matches of the model, by the table of extensions.

A module or an option that does not stand there becomes a match on the field "xt MODULE", which is answered "unknown"
and keeps its text.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.firewall import Match, Statement
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.extensions import MATCHES, MatchExtension
from engine.observe.firewall.xt.options import unknown
from engine.observe.firewall.xt.words import Option

_NONE = MatchExtension()


def matches(context: XtContext, options: Sequence[Option]) -> Sequence[Statement]:
    """The matches of a run of options that share one module. Raises `FirewallTextError`."""
    module = options[0].module
    extension = MATCHES.get(module, _NONE)
    if extension.together is not None:
        return extension.together(context, options)
    found: list[Match] = []
    strange: list[str] = []
    for option in options:
        if option in context.built:
            known = context.built[option]
        elif option.name in extension.options:
            known = context.built[option] = _exact(context, extension, option)
        else:
            if option.name not in ("-m", "--match"):
                strange.append(option.text)
            continue
        if known is not None:
            found.append(known)
    if strange or not extension.options:
        found.append(unknown(module, strange))
    return found


def _exact(context: XtContext, extension: MatchExtension, option: Option) -> Match | None:
    """The match of an option that means something alone."""
    built = extension.options[option.name](context, option.values)
    return Match(built[0], built[1], negate=option.negate, text=option.text) if built else None
