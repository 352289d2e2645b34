"""Every code that a cause or a finding can have: what it means, what the client notices of it, and what mends it.

The table is the catalogue. `docs/causes.md` is written from it, a blocker with a code that is not in it is refused, and
each code has an example among the tests. Codes are stable: one keeps its name and its meaning, others may be added.

Prefixes say where the fault sits: SRC on the client's side, LINK in devices, bridges and neighbours, NAT in address
translation, FW in packet filters, HOST in settings of the host, CT in connection tracking, DST at the service, RET
on the way back, ROUTE in routing as such, INFO where this host does not decide or could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalogue.code import Code
from engine.catalogue.codes_network import NETWORK
from engine.catalogue.codes_service import SERVICE

CODES: Mapping[str, Code] = {**NETWORK, **SERVICE}
