"""The proxy that a program's environment names for what it fetches: http_proxy, https_proxy, all_proxy, no_proxy.

Most programs that fetch URLs heed them: curl (which leaves HTTP_PROXY in capitals alone), Go's net/http, Python's
requests, Node's undici, apt, git. Which one a program is cannot be seen; a plain TCP client heeds none.

Sources: curl(1), ENVIRONMENT; golang.org/x/net/http/httpproxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address, ip_network

from engine.records import dataclass

#: So many characters of a value are kept.
LONGEST = 1000
#: `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/…]`; who logs in there is not kept.
_PLACE = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:[^/@]*@)*(?P<place>[^/@?#]+)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class ClientProxy:
    """Where requests for http:// and https:// go, as HOST:PORT ("": straight to the server), and `exempt` from that the
    names, addresses and networks of no_proxy."""

    http: str = ""
    https: str = ""
    exempt: tuple[str, ...] = ()

    def of(self, scheme: str, host: str) -> str:
        """The proxy that a URL of that host is asked of, "" for none."""
        proxy = {"http": self.http, "https": self.https}.get(scheme, "")
        return "" if any(_names(entry, host) for entry in self.exempt) else proxy


def client_proxy(environment: Iterable[str]) -> ClientProxy | None:
    """What lines NAME=VALUE say, those in small letters first; None where they name no proxy."""
    variables: dict[str, str] = {}
    for line in environment:
        name, _, value = line.partition("=")
        if name.islower() or name.lower() not in variables:
            variables[name.lower()] = value[:LONGEST].strip()
    everything = _place(variables.get("all_proxy", ""))
    found = ClientProxy(
        _place(variables.get("http_proxy", "")) or everything,
        _place(variables.get("https_proxy", "")) or everything,
        tuple(entry for entry in _SEPARATOR.split(variables.get("no_proxy", "")) if entry),
    )
    return found if found.http or found.https else None


def _place(value: str) -> str:
    found = _PLACE.match(value)
    return found["place"] if found else ""


def _names(entry: str, host: str) -> bool:
    """Whether an entry of no_proxy is about a host: `*`, a name with all below it, an address or a network."""
    with suppress(ValueError):
        address = ip_address(host)
        with suppress(ValueError):
            return address in ip_network(entry, strict=False)
        return entry == "*"
    entry = entry.partition(":")[0].lstrip(".").lower() if entry != "*" else entry
    host = host.rstrip(".").lower()
    return entry == "*" or (bool(entry) and (host == entry or host.endswith(f".{entry}")))
