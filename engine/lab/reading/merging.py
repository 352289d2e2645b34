"""One Compose file over another, and a service over the one that it extends. Pure.

Mappings are merged key by key, lists follow each other, and of single values the later one counts. Beside that:
1. `networks` of a service are merged as a mapping also where they are a list; what may be either KEY=VALUE or a mapping
   (`sysctls`, `extra_hosts`, `labels` …) and what may be one word or a list (`dns` …) as lists.
2. A pool of addresses takes the place of those with other subnets.
3. `!override` takes the place of what was there, `!reset` takes it away.

Source: the Compose Specification, Merge; compose-go, override/merge.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.documents.yaml_value import RESET, YamlValue
from engine.records import replace

Path = tuple[str, ...]

#: Keys of a service that are lists in more than one form.
LISTS = (
    "annotations", "dns", "dns_opt", "dns_search", "env_file", "environment", "extra_hosts", "label_file", "labels",
    "sysctls", "tmpfs",
)  # fmt: skip
#: Keys of a service of which the later value counts whole.
WHOLE = ("command", "entrypoint", "network_mode")


def merged(base: YamlValue, over: YamlValue, path: Path = ()) -> YamlValue:
    """A value with another one over it, at the place of the later one."""
    if over.empty and over.tag != RESET:
        return base
    if over.tag or base.tag == RESET or base.empty or path[-1:] in [(key,) for key in WHOLE]:
        return over
    base, over = _alike(base, over, path)
    if isinstance(base.content, Mapping) and isinstance(over.content, Mapping):
        return replace(over, content=_mappings(base.content, over.content, path))
    if isinstance(base.content, tuple) and isinstance(over.content, tuple):
        both = _pools(base.content, over.content) if _is_pools(path) else (*base.content, *over.content)
        return replace(over, content=both)
    return over


def settled(value: YamlValue) -> YamlValue:
    """A document without what a file took away."""
    if isinstance(value.content, Mapping):
        kept = {key: settled(each) for key, each in value.content.items() if each.tag != RESET}
        return replace(value, content=kept)
    if isinstance(value.content, tuple):
        return replace(value, content=tuple(settled(each) for each in value.content if each.tag != RESET))
    return value


def _mappings(base: Mapping[str, YamlValue], over: Mapping[str, YamlValue], path: Path) -> dict[str, YamlValue]:
    found = dict(base)
    for key, value in over.items():
        replaces = key not in found or (key.startswith("x-") and key != "x-lab")
        found[key] = value if replaces else merged(found[key], value, (*path, key))
    return found


def _is_pools(path: Path) -> bool:
    return len(path) == 4 and (path[0], *path[2:]) == ("networks", "ipam", "config")


def _pools(base: tuple[YamlValue, ...], over: tuple[YamlValue, ...]) -> tuple[YamlValue, ...]:
    """Pools of addresses: each over the one of the same subnet."""
    known = {_subnet(each): each for each in base}
    return tuple(merged(known[_subnet(each)], each) if _subnet(each) in known else each for each in over)


def _subnet(pool: YamlValue) -> object:
    subnet = pool.content.get("subnet") if isinstance(pool.content, Mapping) else None
    return subnet.content if subnet is not None else None


def _alike(base: YamlValue, over: YamlValue, path: Path) -> tuple[YamlValue, YamlValue]:
    """Both values in one form, where a key has several."""
    if len(path) == 3 and path[0] == "services":
        if path[2] == "networks":
            return _as_mapping(base), _as_mapping(over)
        if path[2] in LISTS:
            return _as_list(base), _as_list(over)
    return base, over


def _as_mapping(value: YamlValue) -> YamlValue:
    """A list of names as a mapping of names to nothing."""
    if not isinstance(value.content, tuple):
        return value
    return replace(
        value,
        shape="mapping",
        content={item.text(): replace(item, shape="scalar", content=None) for item in value.content},
    )


def _as_list(value: YamlValue) -> YamlValue:
    """A mapping as KEY=VALUE, a single word as a list of one."""
    if isinstance(value.content, str):
        return replace(value, shape="sequence", content=(value,))
    if not isinstance(value.content, Mapping):
        return value
    items = [item for key, each in value.content.items() for item in _assignments(key, each)]
    return replace(value, shape="sequence", content=tuple(items))


def _assignments(key: str, value: YamlValue) -> list[YamlValue]:
    if isinstance(value.content, str):
        return [replace(value, content=f"{key}={value.content}")]
    if isinstance(value.content, tuple):
        return [item for each in value.content for item in _assignments(key, each)]
    return [replace(value, shape="scalar", content=key)]
