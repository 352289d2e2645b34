"""Hypothesis strategies for netlink message bodies: well formed, nested, cut off, or nonsense."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.observe.wire import attr

INET, BRIDGE, INET6 = 2, 7, 10
FAMILIES = st.sampled_from((INET, INET6, BRIDGE, 0, 128))


def attribute_bytes() -> st.SearchStrategy[bytes]:
    """Attributes of any type with values of any length, nested or not."""
    leaf = st.builds(attr, st.integers(0, 60), st.binary(max_size=24))
    nested = st.builds(attr, st.integers(0, 60), st.lists(leaf, max_size=4).map(b"".join))
    deeper = st.builds(attr, st.sampled_from((9, 18, 26, 8)), st.lists(nested, max_size=4).map(b"".join))
    return st.lists(st.one_of(leaf, nested, deeper), max_size=8).map(b"".join)


def bodies() -> st.SearchStrategy[bytes]:
    """Message bodies with a fitting header of zeros or of anything, sometimes cut off."""
    header = st.one_of(st.sampled_from((3, 7, 11, 15)).map(bytes), st.binary(max_size=15))
    whole = st.builds(lambda family, head, rest: bytes([family]) + head + rest, FAMILIES, header, attribute_bytes())
    return st.builds(lambda body, cut: body[: len(body) - cut], whole, st.sampled_from((0, 0, 0, 1, 5, 30)))
