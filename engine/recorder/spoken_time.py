"""A time as people say it, as one of this machine's clock: "yesterday 18:00", "2 hours ago", "Tue 14:02".

A time in ISO 8601 is read as it stands; all else by the dateparser library, in English, and always as one that is past.
In the hour that a clock goes through twice (the end of daylight saving time) the later one is meant.
"""

from __future__ import annotations

from datetime import datetime


def time_of(words: str, now: datetime) -> datetime:
    """The time that is meant, with its distance from UTC. Raises ValueError with a line for the user."""
    try:
        found: datetime | None = datetime.fromisoformat(words.strip())
    except ValueError:
        found = _spoken(words, now)
    if found is None:
        raise ValueError(
            f"{words!r:.60} is no time: write it as '2026-11-30 18:00', 'yesterday 18:00' or '2 hours ago'"
        )
    if found.tzinfo is None:
        found = _later(found, now)
    if found > now:
        raise ValueError(f"{words!r:.60} is {found:%Y-%m-%d %H:%M}, which is yet to come")
    return found


def _later(naive: datetime, now: datetime) -> datetime:
    """A time of the wall clock; of two that it may be the later one that has been."""
    late = naive.replace(fold=1).astimezone()
    return late if late <= now else naive.astimezone()


def _spoken(words: str, now: datetime) -> datetime | None:
    import dateparser  # noqa: PLC0415 - most times are written

    base = now.astimezone().replace(tzinfo=None)
    return dateparser.parse(words, languages=["en"], settings={"PREFER_DATES_FROM": "past", "RELATIVE_BASE": base})
