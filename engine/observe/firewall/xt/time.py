"""`-m time` of iptables: dates, hours and days, in UTC, or with `--kerneltz` in the kernel's zone.

Hours over midnight are two ranges. With `--contiguous` the one after midnight belongs to the day before, so that days
of the week are asked together with the hour; days of the month then have no form here.
Source: net/netfilter/xt_time.c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model.firewall import Element, Field, Interval, Match
from engine.observe.firewall.values import TOP, epoch, interval, number, second_of_day
from engine.observe.firewall.xt.options import first
from engine.observe.firewall.xt.words import Option

#: As iptables-save writes them.
WEEKDAYS = {name: place for place, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), 1)}
_Words = Mapping[str, Option]


def matches(options: Sequence[Option]) -> list[Match] | None:
    """The matches of the options; None where they have no exact form here."""
    words = {option.name: option for option in options[1:]}
    zone = "zoned" if "--kerneltz" in words else "clock"
    hours = _hours(words)
    over_night = "--contiguous" in words and len(hours) > 1
    if over_night and "--monthdays" in words:
        return None
    found = _dates(words)
    if over_night and "--weekdays" in words:
        found.append(_nights(words, zone, hours))
    else:
        if hours:
            elements = tuple((each,) for each in hours)
            found.append(Match((Field(f"{zone} second"),), elements, text=_text(words, "--timestart", "--timestop")))
        found += _days(words, zone)
    return found


def _text(words: _Words, *names: str) -> str:
    return " ".join(words[name].text for name in (*names, "--kerneltz", "--contiguous") if name in words)


def _dates(words: _Words) -> list[Match]:
    """Dates count seconds since 1970, whatever the zone is for the rest; with `--kerneltz` they are shifted as well."""
    names = ("--datestart", "--datestop")
    if not words.keys() & set(names):
        return []
    low, high = (epoch(first(words[name].values)) if name in words else None for name in names)
    field = "zoned" if "--kerneltz" in words else "clock"
    atom = interval(low or 0, TOP if high is None else high)
    return [Match((Field(field),), ((atom,),), text=_text(words, *names))]


def _hours(words: _Words) -> tuple[Interval, ...]:
    """The seconds of the day: none where no hour is asked, two ranges where they go over midnight."""
    names = ("--timestart", "--timestop")
    if not words.keys() & set(names):
        return ()
    low, high = (
        second_of_day(first(words[name].values) if name in words else empty)
        for name, empty in zip(names, ("0", "23:59:59"), strict=True)
    )
    return (interval(low, high),) if low < high else (interval(low, TOP), interval(0, high))


def _days(words: _Words, zone: str) -> list[Match]:
    found = []
    for name, field in (("--weekdays", "weekday"), ("--monthdays", "day")):
        if name in words:
            elements = tuple((interval(day, day),) for day in _numbers(words[name]))
            negate = words[name].negate
            found.append(Match((Field(f"{zone} {field}"),), elements, negate=negate, text=_text(words, name)))
    return found


def _numbers(option: Option) -> list[int]:
    return [WEEKDAYS.get(day) or number(day) for day in first(option.values).split(",")]


def _nights(words: _Words, zone: str, hours: tuple[Interval, ...]) -> Match:
    """Hours over midnight with days: what is after midnight is asked of the day after each."""
    evening, morning = hours
    told = words["--weekdays"]
    days = set(range(1, 8)) - set(_numbers(told)) if told.negate else set(_numbers(told))
    elements: list[Element] = []
    for day in sorted(days):
        after = day % 7 + 1
        elements += [(evening, interval(day, day)), (morning, interval(after, after))]
    text = _text(words, "--timestart", "--timestop", "--weekdays")
    return Match((Field(f"{zone} second"), Field(f"{zone} weekday")), tuple(elements), text=text)
