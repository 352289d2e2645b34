"""`portscope mcp`: the answers as tools of an agent, on stdin and stdout."""

from __future__ import annotations

import sys
from argparse import Namespace
from importlib.metadata import version

from workbench.exits import Exit, usage


def run(arguments: Namespace) -> Exit:
    """Serves until stdin ends. Raises `Refusal` where the extra is missing, or a person runs it in a terminal."""
    try:
        from workbench.agents.server import server  # noqa: PLC0415 - an extra
    except ImportError as error:
        missing = "mcp needs the Python package mcp, which is not installed; pip install 'portscope[mcp]'"
        raise usage(missing) from error
    if sys.stdin is not None and sys.stdin.isatty():
        raise usage("mcp is for an agent to start; its configuration names the command 'portscope' with the word 'mcp'")
    server(str(arguments.snapshot or ""), version("portscope")).run("stdio")
    return Exit.DONE
