"""Dataclasses that cost little until they are used: `dataclass`, `field`, `replace` as in the standard library.

The standard library writes six methods of a class as text and compiles them when the class is made, and loads `inspect`
for it: for the 250 classes on the path of one question that was a third of the time from shell to answer
(`python -m bench.why`). Here all classes share their methods, which work on the tuple of the fields' values, and
`__init__` is written when the first object of a class is made: most classes have none in one run.

For everybody who asks (`fields`, `asdict`, `is_dataclass`, a type checker) such a class is a dataclass of the standard
library, which is loaded then. A field that is `LATE` is made when its value is first read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["LATE", "dataclass", "field", "replace"]

#: The metadata of a field whose value may be given as a function and its argument, a pair: it is called when the field
#: is first read, and gives anything but a pair. For classes with slots.
LATE = {"late": True}
_NONE = object()

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    def dataclass(*, frozen: bool = False, slots: bool = False) -> Callable[[type], type]:
        """The decorator."""
        return partial(_slotted if slots else _plain, frozen=frozen)

    def field(*, default: Any = _NONE, default_factory: Any = _NONE, **options: Any) -> Any:
        """A field with more than a default: `init`, `compare`, `repr` (True) and `metadata` (None)."""
        return _Field("", default, default_factory, options)

    def replace(value: Any, /, **changes: Any) -> Any:
        """The value with some fields changed."""
        kind = value.__class__
        try:
            own = kind.__frozen_fields__
        except AttributeError:
            from dataclasses import replace as replaced  # noqa: PLC0415 - a class of somebody else's

            return replaced(value, **changes)
        for each in own:
            if each.init and each.name not in changes:
                changes[each.name] = getattr(value, each.name)
        return kind(**changes)


class _Field:
    """What is known of one field."""

    __slots__ = ("compare", "default", "factory", "init", "metadata", "name", "shown")

    def __init__(self, name: str, default: Any, factory: Any, options: dict[str, Any]) -> None:
        self.name, self.default, self.factory = name, default, factory
        self.init, self.compare = options.get("init", True), options.get("compare", True)
        self.shown, self.metadata = options.get("repr", True), options.get("metadata")


def _plain(cls: type, frozen: bool) -> Any:
    return _finished(cls, _fields_of(cls), frozen)


def _slotted(cls: type, frozen: bool) -> Any:
    """A class cannot get slots when it is there: it is made again, without its defaults, which the slots replace."""
    fields = _fields_of(cls)
    inherited = {name for base in cls.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
    body = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    for each in fields:
        body.pop(each.name, None)
    body["__slots__"] = tuple(each.name for each in fields if each.name not in inherited)
    made: Any = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return _finished(made, fields, frozen)


def _fields_of(cls: type) -> tuple[_Field, ...]:
    """The fields in order, those of parents first."""
    found: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        found |= {each.name: each for each in base.__dict__.get("__frozen_fields__", ())}
    for name, annotation in _hints(cls).items():
        if not str(annotation).startswith("ClassVar"):
            given = cls.__dict__.get(name, _NONE)
            if isinstance(given, _Field):
                given.name = name
                found[name] = given
                _forget_default(cls, given)
            elif hasattr(given, "default_factory"):
                raise TypeError(
                    f"{cls.__name__}.{name} is a field of the standard library: take `engine.records.field`"
                )
            else:
                found[name] = _Field(name, given, _NONE, {})
    return tuple(found.values())


def _forget_default(cls: type, given: _Field) -> None:
    """A class attribute is a plain field's default, or nothing."""
    if given.default is _NONE:
        delattr(cls, given.name)
    else:
        setattr(cls, given.name, given.default)


def _finished(made: Any, fields: tuple[_Field, ...], frozen: bool) -> Any:
    made.__frozen_fields__ = fields
    setattr(made, "__match_args__", tuple(each.name for each in fields if each.init))  # noqa: B010 - mypy takes it for a type
    made.__dataclass_fields__ = _Standard(made, "__dataclass_fields__")
    made.__dataclass_params__ = _Standard(made, "__dataclass_params__")
    _share(made, fields, frozen)
    made.__init__ = _first_init(made, fields)
    for each in fields:
        if each.metadata == LATE:
            setattr(made, each.name, _Late(made.__dict__[each.name]))
    return made


class _Standard:
    """What the standard library knows of a dataclass, made when somebody asks. Several threads may ask at once: each
    makes the same, and the last one's stays."""

    __slots__ = ("_made", "_name")

    def __init__(self, made: Any, name: str) -> None:
        self._made, self._name = made, name

    def __get__(self, instance: object, owner: Any) -> Any:
        import dataclasses  # noqa: PLC0415 - most runs need nothing of it

        made = self._made
        body: dict[str, Any] = {"__annotations__": {}, "__doc__": made.__doc__, "__module__": made.__module__}
        hints = {name: hint for base in reversed(made.__mro__) for name, hint in _hints(base).items()}
        for each in made.__frozen_fields__:
            body["__annotations__"][each.name] = hints[each.name]
            words: dict[str, Any] = {"init": each.init, "compare": each.compare, "repr": each.shown}
            words |= {"metadata": each.metadata} if each.metadata else {}
            words |= {} if each.default is _NONE else {"default": each.default}
            words |= {} if each.factory is _NONE else {"default_factory": each.factory}
            body[each.name] = dataclasses.field(**words)
        twin: Any = dataclasses.dataclass(frozen=made.__hash__ is not None, init=False, repr=False, eq=False)(
            type(made.__name__, (), body)
        )
        made.__dataclass_fields__ = twin.__dataclass_fields__
        made.__dataclass_params__ = twin.__dataclass_params__
        return getattr(twin, self._name)


def _hints(cls: type) -> dict[str, Any]:
    """A class's own annotations, as they are written."""
    found: dict[str, Any] = vars(cls).get("__annotations__", {})
    return found


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


def _share(made: Any, fields: tuple[_Field, ...], frozen: bool) -> None:
    """Gives a class the methods that all classes have, but for those of its own."""
    names = [each.name for each in fields]
    of_all, compared = _values(names), _values([each.name for each in fields if each.compare])

    def same(self: Any, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is made else NotImplemented

    def shown(self: Any) -> str:
        pairs = ((each.name, getattr(self, each.name)) for each in fields if each.shown)
        return f"{made.__qualname__}({', '.join([f'{name}={value!r}' for name, value in pairs])})"

    def kept(self: Any) -> tuple[Any, ...]:
        return of_all(self)

    def restored(self: Any, state: tuple[Any, ...]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    shared: dict[str, Any] = {
        "__eq__": same,
        "__hash__": (lambda self: hash(compared(self))) if frozen else None,
        "__repr__": shown,
        "__getstate__": kept,
        "__setstate__": restored,
    }
    if frozen:
        shared |= {"__setattr__": _refuse("assign to"), "__delattr__": _refuse("delete")}
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
        from dataclasses import FrozenInstanceError  # noqa: PLC0415 - nobody does that twice

        raise FrozenInstanceError(f"cannot {what} field {name!r}")

    return refuse


def _first_init(made: Any, fields: tuple[_Field, ...]) -> Callable[..., None]:
    """`__init__` that writes the real one, and leaves its place to it."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _init(made, fields)
        made.__init__(self, *values, **named)

    return __init__


def _init(made: Any, fields: tuple[_Field, ...]) -> Any:
    """`__init__` with the fields as its parameters; what has slots is put into them, past `__setattr__`."""
    known: dict[str, Any] = {"put": object.__setattr__, "LEFT": object()}
    parameters, lines = ["self"], []
    slots = {name: slot for base in reversed(made.__mro__) for name, slot in base.__dict__.items()}
    for place, each in enumerate(fields):
        name, value = each.name, each.name
        if each.default is not _NONE:
            known[f"default{place}"] = each.default
            value = name if each.init else f"default{place}"
            parameters += [f"{name}=default{place}"] if each.init else []
        elif each.factory is not _NONE:
            known[f"make{place}"] = each.factory
            value = f"make{place}() if {name} is LEFT else {name}" if each.init else f"make{place}()"
            parameters += [f"{name}=LEFT"] if each.init else []
        elif each.init:
            parameters.append(name)
        else:
            continue
        if hasattr(slots.get(name), "__set__"):
            known[f"put{place}"] = slots[name].__set__
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
