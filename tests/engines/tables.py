"""All breaks, by the engine that they need."""

from __future__ import annotations

from tests.engines.breaks import SEVEN
from tests.engines.breaks_containers import CONTAINERS, DATAGRAMS, WITHOUT_PROXY
from tests.engines.breaks_filters import FILTERS, HABITS, REJECTS
from tests.engines.breaks_routes import LINKS, ROUTES

PLAIN = (*SEVEN, *FILTERS, *HABITS, *REJECTS, *ROUTES, *LINKS, *CONTAINERS, *DATAGRAMS)

__all__ = ["CONTAINERS", "LINKS", "PLAIN", "ROUTES", "SEVEN", "WITHOUT_PROXY"]
