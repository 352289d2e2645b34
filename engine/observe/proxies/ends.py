"""Hosts and ports as configurations write them: `web:3000`, `[fd00::1]:80`, `http://web:3000/path`, `*:80`."""

from __future__ import annotations

from ipaddress import ip_address

from engine.model.address import IPAddress

#: Ports of schemes that proxies speak.
PORTS = {"http": 80, "https": 443, "h2c": 80, "grpc": 80, "grpcs": 443, "ws": 80, "wss": 443, "ajp": 8009, "fcgi": 8000}
TLS = frozenset({"https", "grpcs", "wss"})


def split_end(text: str, port: int) -> tuple[str, int]:
    """The host and the port, `port` where none is written; a number that is none counts as none written."""
    host, colon, number = text.rpartition(":")
    if colon and number.isascii() and number.isdecimal() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), min(int(number[:6]), 65535)
    return text.strip("[]"), port


def split_url(text: str, scheme: str = "http") -> tuple[str, str, int, str]:
    """Scheme, host, port and path of `[SCHEME://]HOST[:PORT][/PATH]`."""
    before, separator, rest = text.partition("://")
    scheme, rest = (before.lower(), rest) if separator else (scheme, text)
    end, slash, path = rest.partition("/")
    host, port = split_end(end, PORTS.get(scheme, 80))
    return scheme, host, port, slash + path


def address_of(host: str) -> IPAddress | None:
    """The address that a door is bound to; None for all, and for a name."""
    try:
        found = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return None if found.is_unspecified else found
