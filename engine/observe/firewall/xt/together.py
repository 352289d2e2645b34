"""What iptables' match options mean that only mean something together: builders for the table of extensions.

Source: iptables-extensions(8), and the save functions of iptables' extensions.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.firewall import Field, Interval, Match, Name, SetLabel, Statement
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.values import TOP, interval, number, number_range
from engine.observe.firewall.xt import addrtype as address_types
from engine.observe.firewall.xt import ipsets
from engine.observe.firewall.xt import time as times
from engine.observe.firewall.xt.context import XtContext
from engine.observe.firewall.xt.options import device, first, unknown
from engine.observe.firewall.xt.words import Option


def addrtype(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Types of addresses."""
    found = address_types.matches(context, options)
    return [unknown("addrtype", [option.text for option in options[1:]])] if found is None else found


def rpfilter(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Holds when there is a route back to the source: by the incoming device, or (loose) by any."""
    names = {option.name for option in options}
    words = [option.text for option in options[1:]]
    name = "fib saddr" + (" . mark" if "--validmark" in names else "") + ("" if "--loose" in names else " . iif")
    answer = Name("missing" if "--invert" in names else "exists")
    result = "oif or local" if "--accept-local" in names else "oif"
    return [Match((Field(f"{name} {result}"),), ((answer,),), text=" ".join(["-m rpfilter", *words]))]


def owner(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Without a socket a negated owner match holds, unlike nftables' `meta skuid !=`: it has a field of its own."""
    found: list[Match] = []
    for option in options:
        kind = {"--uid-owner": "uid", "--gid-owner": "gid"}.get(option.name)
        if option.name == "--socket-exists":
            is_there = ((Name("exists"),),)
            found.append(Match((Field("owner socket"),), is_there, negate=option.negate, text=option.text))
        elif kind is None:
            if option.name not in ("-m", "--match"):
                found.append(unknown("owner", [option.text]))
        else:
            name = f"owner {kind}" if option.negate else f"meta sk{kind}"
            value = number_range(first(option.values), "-")
            found.append(Match((Field(name),), ((value,),), negate=option.negate, text=option.text))
    return found


def physdev(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`is-in` and the like: whether there is a bridge port at all, which is "not the empty name"."""
    found: list[Match] = []
    for option in options:
        name = {
            "--physdev-in": "physdev in",
            "--physdev-out": "physdev out",
            "--physdev-is-in": "physdev in",
            "--physdev-is-out": "physdev out",
            "--physdev-is-bridged": "physdev out",
        }.get(option.name)
        if name is None:
            if option.name not in ("-m", "--match"):
                found.append(unknown("physdev", [option.text]))
        elif option.values:
            fields, elements = device(name)(context, option.values) or ((), ())
            found.append(Match(fields, elements, negate=option.negate, text=option.text))
        else:
            found.append(Match((Field(name),), ((Name(""),),), negate=not option.negate, text=option.text))
    return found


def ipset(context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`--match-set NAME src,dst`, looked up in the ipsets; options about counters make it unknown."""
    harmless = ("--match-set", "--update-counters", "--update-subcounters", "-m", "--match")
    words = [option.text for option in options if option.name not in ("-m", "--match")]
    lookups = [option for option in options if option.name == "--match-set"]
    if len(lookups) != 1 or any(option.name not in harmless for option in options):
        return [unknown("set", words)]
    if len(lookups[0].values) != 2:
        raise FirewallTextError("--match-set needs a set and directions")
    name, directions = lookups[0].values
    fields = ipsets.fields(context.family, context.ipsets.get(name), directions.split(","))
    if fields is None:
        return [unknown("set", words)]
    return [Match(fields, lookup=name, negate=lookups[0].negate, text=lookups[0].text)]


def time(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Dates, hours and days."""
    found = times.matches(options)
    return [unknown("time", [option.text for option in options[1:]])] if found is None else found


def connlabel(_context: XtContext, options: Sequence[Option]) -> list[Statement]:
    """A label of the connection, by its number (names are a file's of the machine); `--set` gives it one first, and
    then holds of every connection."""
    words = {option.name: option for option in options[1:]}
    label = words["--label"]
    bit = 1 << number(first(label.values))
    text = " ".join(["-m connlabel", *(option.text for option in options[1:])])
    if "--set" in words and not label.negate:
        return [SetLabel(bit, strict=True)]
    if "--set" in words:
        return [unknown("connlabel", [option.text for option in options[1:]])]
    name = "ct label or none" if label.negate else "ct label"
    return [Match((Field(name, bit),), ((Interval(bit, bit),),), negate=label.negate, text=text)]


def policy(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """`--dir in|out --pol none|ipsec`; what is asked of the states of the latter is not compared."""
    words = {option.name: option for option in options[1:]}
    answer = Name("exists" if first(words["--pol"].values) == "ipsec" else "missing")
    known = [words["--dir"], words["--pol"]]
    text = " ".join(["-m policy", *(option.text for option in known)])
    found = [Match((Field(f"ipsec {first(words['--dir'].values)}"),), ((answer,),), text=text)]
    others = [option.text for option in options[1:] if option not in known]
    return [*found, unknown("policy", others)] if others else found


def connbytes(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """Bytes or packets, of one direction or both."""
    words = {option.name: option for option in options[1:]}
    span, way, mode = (words[f"--connbytes{end}"] for end in ("", "-dir", "-mode"))
    low, _, high = first(span.values).partition(":")
    atom = interval(number(low), number(high) if high else TOP)
    direction = {"original": "original ", "reply": "reply ", "both": ""}[first(way.values)]
    text = " ".join(option.text for option in options[1:])
    return [Match((Field(f"ct {direction}{first(mode.values)}"),), ((atom,),), negate=span.negate, text=text)]


def socket(_context: XtContext, options: Sequence[Option]) -> list[Match]:
    """A socket that the packet belongs to; one that listens on any address counts with `--nowildcard`."""
    names = {option.name for option in options[1:]}
    text = " ".join(["-m socket", *(option.text for option in options[1:])])
    if names - {"--nowildcard", "--transparent"}:
        return [unknown("socket", [option.text for option in options[1:]])]
    field = "socket or wildcard" if "--nowildcard" in names else "socket"
    found = [Match((Field(field),), ((Name("exists"),),), text=text)]
    if "--transparent" in names:
        found.append(Match((Field("socket transparent"),), ((interval(1, 1),),), text="--transparent"))
    return found
