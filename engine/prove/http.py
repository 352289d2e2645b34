"""The request that an HTTP client sends, and what it is answered: by h11, over TLS where the URL says so.

A client that verifies ends a connection whose certificate is for another name, or has expired. Who signed it is not
looked at: the names and dates are what a proxy's configuration decides.
Sources: RFC 9112 (HTTP/1.1), RFC 9525 (names of certificates).
"""

from __future__ import annotations

import socket
import ssl
import time

from engine.model.application.proxy import ConfigPlace
from engine.model.proof import Attempt
from engine.model.trace import Symptom
from engine.model.verdict import Url
from engine.observe.proxies.certificate import parse_certificate

_CHUNK = 65536


def exchange(client: socket.socket, url: Url, until: float) -> Attempt:
    """Sends the request on a connected socket, and says what came. Raises OSError of the connection."""
    if not url.tls:
        return _request(client, url, until)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client.settimeout(max(until - time.monotonic(), 0.001))
    try:
        # A twin of the socket is closed here; the socket itself is the caller's to close.
        with context.wrap_socket(client.dup(), server_hostname=url.host) as secure:
            why = _refuses(secure, url)
            return Attempt(Symptom.TLS_FAILURE, error=why) if why else _request(secure, url, until)
    except ssl.SSLError as error:
        return Attempt(Symptom.TLS_FAILURE, error=error.reason or str(error))


def _refuses(secure: ssl.SSLSocket, url: Url) -> str:
    """Why a client that verifies names and dates ends the connection; "" where it does not."""
    raw = secure.getpeercert(binary_form=True)
    shown = parse_certificate(ssl.DER_cert_to_PEM_cert(raw), ConfigPlace()) if raw else None
    if shown is None:
        return ""
    if shown.until and shown.until < time.time():
        return "the certificate has expired"
    return "" if shown.is_for(url.host) else f"the certificate is for {', '.join(shown.names[:6]) or 'no name'}"


def _request(connection: socket.socket, url: Url, until: float) -> Attempt:
    import h11  # noqa: PLC0415 - few answers are proved

    usual = url.port == (443 if url.tls else 80)
    host = url.host if usual else f"{url.host}:{url.port}"
    talk = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="GET", target=url.path, headers=[("Host", host), ("User-Agent", "portscope"), ("Connection", "close")]
    )
    connection.settimeout(max(until - time.monotonic(), 0.001))
    connection.sendall((talk.send(request) or b"") + (talk.send(h11.EndOfMessage()) or b""))
    heard = b""
    try:
        while True:
            event = talk.next_event()
            if event is h11.NEED_DATA:
                connection.settimeout(max(until - time.monotonic(), 0.001))
                heard += (more := connection.recv(_CHUNK))
                talk.receive_data(more)
            elif isinstance(event, h11.Response):
                line = f"HTTP/{event.http_version.decode()} {event.status_code} {event.reason.decode(errors='replace')}"
                return Attempt(Symptom.CONNECTED, answer=line.strip()[:80], status=event.status_code)
            elif not isinstance(event, h11.InformationalResponse):
                return _no_http(heard)
    except TimeoutError:
        doubt = "no answer came in time; a proxy may wait longer for its server"
        return Attempt(Symptom.ACCEPTED_THEN_SILENT, doubt=doubt)
    except h11.RemoteProtocolError:
        return _no_http(heard)


def _no_http(heard: bytes) -> Attempt:
    """The server said something else, or read the request and closed."""
    line = next(iter(heard.decode("ascii", "backslashreplace").splitlines()), "")
    return Attempt(Symptom.CONNECTED, answer=line[:80], doubt="" if line else "the program read a request and closed")
