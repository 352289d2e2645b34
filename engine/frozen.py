"""Frozen dataclasses that are made quickly: `dataclass` is that of the standard library, for what is frozen.

The standard library writes six methods of a class as text and has them compiled, which for a hundred classes takes a
third of the time in which this program starts. Here that is done for `__init__` alone, whose calls it makes fast; all
classes share the other methods, which are about the tuple of the fields' values. Whatever asks a class for its fields
(`fields`, `replace`, `asdict`, a type checker) sees a dataclass of the standard library. Fields may have a default, and
be out of `__init__` or of comparisons; classes that inherit from each other are left to the standard library. A field
that is `LATE` is made when somebody asks for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["LATE", "dataclass"]

#: The metadata of a field whose value may be given as a function and its argument, a pair: it is called when somebody
#: first asks for the field, and gives anything but a pair. For classes with slots.
LATE = {"late": True}

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool = False) -> Callable[[type], type]:
        """The decorator; only for values that do not change (`frozen`)."""
        if not frozen:
            raise TypeError("only frozen classes are made here")

        def make(cls: type) -> type:
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
            made.__dataclass_params__.frozen = True
            fields = dataclasses.fields(made)
            _share(made, fields)
            made.__init__ = _init(made, fields)
            for field in fields:
                if field.metadata == LATE:
                    setattr(made, field.name, _Late(made.__dict__[field.name]))
            return made

        return make


class _Late:
    """The attribute of a field that is `LATE`, in front of its slot."""

    __slots__ = ("_get", "_put")

    def __init__(self, slot: Any) -> None:
        self._get, self._put = slot.__get__, slot.__set__

    def __get__(self, instance: Any, owner: type) -> Any:
        value = self._get(instance, owner)
        if value.__class__ is tuple:
            make, argument = value
            value = make(argument)
            self._put(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        self._put(instance, value)


def _share(made: Any, fields: tuple[Field[Any], ...]) -> None:
    """Gives a class the methods that all classes have, but for those of its own."""
    names = [field.name for field in fields]
    of_all, compared = _values(names), _values([field.name for field in fields if field.compare])

    def same(self: Any, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is made else NotImplemented

    def shown(self: Any) -> str:
        pairs = zip(names, of_all(self), strict=True)
        return f"{made.__qualname__}({', '.join([f'{name}={value!r}' for name, value in pairs])})"

    def kept(self: Any) -> tuple[Any, ...]:
        return of_all(self)

    def restored(self: Any, state: tuple[Any, ...]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    shared = {
        "__eq__": same,
        "__hash__": lambda self: hash(compared(self)),
        "__repr__": shown,
        "__setattr__": _refuse("assign to"),
        "__delattr__": _refuse("delete"),
        "__getstate__": kept,
        "__setstate__": restored,
    }
    for name, method in shared.items():
        if name not in made.__dict__ or made.__dict__[name] is None:
            setattr(made, name, method)


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of some fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple([getattr(self, name) for name in names])


def _refuse(what: str) -> Callable[..., None]:
    def refuse(_self: Any, name: str, *_value: Any) -> None:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")

    return refuse


def _init(made: Any, fields: tuple[Field[Any], ...]) -> Any:
    """`__init__` with the fields as its parameters; what has slots is put into them, past `__setattr__`."""
    known: dict[str, Any] = {"put": object.__setattr__, "LEFT": object()}
    parameters, lines = ["self"], []
    for place, field in enumerate(fields):
        name, value = field.name, field.name
        if field.default is not MISSING:
            known[f"default{place}"] = field.default
            parameters.append(f"{name}=default{place}")
        elif field.default_factory is not MISSING:
            known[f"make{place}"] = field.default_factory
            value = f"make{place}() if {name} is LEFT else {name}" if field.init else f"make{place}()"
            parameters += [f"{name}=LEFT"] if field.init else []
        else:
            parameters.append(name)
        if (slot := made.__dict__.get(name)) is not None and hasattr(slot, "__set__"):
            known[f"put{place}"] = slot.__set__
            lines.append(f" put{place}(self, {value})")
        else:
            lines.append(f" put(self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or [" pass"]), known)
    init = known["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__module__ = made.__module__
    return init
