"""What a client sees of a certificate: the names that it is for, and until when. Nothing of it is verified.

Only files that by their name hold a certificate alone are opened: one that may hold its private key as well is not.
Source: RFC 5280, 4.1 and 4.2.1.6 (DER, ITU-T X.690).
"""

from __future__ import annotations

import base64
import binascii
import calendar
import re
import time
from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.application.proxy import Certificate, ConfigPlace
from engine.observe.proxies.root_files import RootFiles

#: Names of files that hold a certificate alone (certbot's, and what people call theirs).
_ALONE = re.compile(r".*\.(crt|cer|cert)|(.*/)?(fullchain|cert|chain|certificate)\d*\.pem")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_UTC = 0x17
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS, _ADDRESS = 0x82, 0x87
#: The object identifier of subjectAltName, 2.5.29.17.
_ALT_NAME = bytes((0x06, 0x03, 0x55, 0x1D, 0x11))


def read_certificate(files: RootFiles, path: str, at: ConfigPlace) -> Certificate | None:
    """The certificate that a file begins with; None for a file that may hold more, cannot be read, or has none."""
    if not _ALONE.fullmatch(path):
        return None
    try:
        return parse_certificate(files.text(path), at)
    except OSError:
        return None


def parse_certificate(text: str, at: ConfigPlace) -> Certificate | None:
    """The first certificate of a PEM file; None where it has none that can be understood."""
    block = _BLOCK.search(text)
    try:
        raw = base64.b64decode("".join(block[1].split()), validate=True) if block else b""
        (_, whole), *_ = _values(raw)
        (_, body), *_ = _values(whole)
        parts = [part for part in _values(body) if part[0] != _VERSION]
        validity, extensions = parts[3][1], next((inside for tag, inside in parts if tag == _EXTENSIONS), b"")
        *_, (kind, until) = _values(validity)
        return Certificate(tuple(_names(extensions)), _seconds(kind, until.decode("ascii")), at)
    except (ValueError, IndexError, binascii.Error, OverflowError):
        return None


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The values of a DER sequence: tag and content. Raises ValueError where one is longer than what there is."""
    place = 0
    while place < len(data):
        tag, size = data[place], data[place + 1]
        place += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[place : place + count], "big")
            place += count
        if place + size > len(data):
            raise ValueError("a value ends too early")
        yield tag, data[place : place + size]
        place += size


def _names(extensions: bytes) -> Iterator[str]:
    """The names and addresses of subjectAltName."""
    for _, listed in _values(extensions):
        for _, extension in _values(listed):
            if extension.startswith(_ALT_NAME):
                *_, (_, octets) = _values(extension)
                for _, names in _values(octets):
                    for tag, name in _values(names):
                        if tag == _DNS:
                            yield name.decode("ascii", "replace").lower()
                        elif tag == _ADDRESS:
                            yield str(ip_address(name))


def _seconds(kind: int, text: str) -> int:
    """A time in seconds since 1970: with two digits of the year it is of 1950 to 2049."""
    if kind == _UTC:
        text = ("19" if text[:2] >= "50" else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))
