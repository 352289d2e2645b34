"""Every kind of change, collected from the classes of `engine.change`."""

from __future__ import annotations

import importlib
import pkgutil

import engine.change
from engine.model.plan import Change

for _module in pkgutil.walk_packages(engine.change.__path__, "engine.change."):
    importlib.import_module(_module.name)

#: All kinds; what is left of a class before its slots were made is not one.
KINDS = frozenset(
    kind
    for kind in Change.__subclasses__()
    if getattr(importlib.import_module(kind.__module__), kind.__name__, None) is kind
)
#: Those that the model can simulate: what a fix may hold.
SIMULATED = frozenset(kind for kind in KINDS if kind.applied is not Change.applied)
