"""The workbench in a browser: a server on loopback that gives each window a workbench of its own.

`access` decides who may use it, `server` serves, `leaving` ends a workbench whose page is gone. Only loopback is
listened on. The page and its scripts come from this machine: `app_index.html` is ours, the terminal is textual-serve's.
"""

from __future__ import annotations

from workbench.exits import refused, usage

MISSING = "serving needs textual-serve, which is not installed; pip install 'portscope[serve]'"


def serve(command: str, port: int, title: str) -> None:
    """Serves until it is interrupted. Raises `Refusal` when it cannot."""
    try:
        from workbench.serving.server import HOST, Loopback  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise usage(MISSING) from error
    try:
        Loopback(command, port, title).serve()
    except OSError as error:
        raise refused(f"cannot listen on {HOST}:{port}: {error.strerror}; choose another one with --port") from error
