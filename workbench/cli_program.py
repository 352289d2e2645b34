"""The grammar of the commands that are about portscope itself: what it completes, needs and prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: How an agent's configuration names the server, for the command's help.
AGENTS = """\
  {"mcpServers": {"portscope": {"command": "portscope", "args": ["mcp"]}}}
"""

AddCommand = Callable[..., argparse.ArgumentParser]
Commands = Any

SHELLS = ("bash", "zsh", "fish")
COMPLETION = """\
  portscope completion bash > /etc/bash_completion.d/portscope      eval "$(portscope completion zsh)"
  portscope completion fish > ~/.config/fish/completions/portscope.fish
"""


def add_program(commands: Commands, add_command: AddCommand) -> None:
    """The grammar of explain, completion, doctor, schema and mcp."""
    explain = add_command(commands, "explain", "say what a code or a term of an answer means")
    explain.add_argument("name", metavar="CODE", nargs="*", help="FW_RULE_DROP, DNAT, …; without it: the list of them")
    explain.add_argument("--json", action="store_true", help="print one JSON document (portscope.explain/1)")
    explain.set_defaults(module="workbench.commands.explain")
    _add_completion(commands, add_command)
    _add_doctor(commands, add_command)
    schema = add_command(commands, "schema", "print the JSON Schema of a document that portscope prints")
    schema.add_argument("name", metavar="NAME", nargs="?", help="portscope.why/1, or why; without it: the list of them")
    schema.set_defaults(module="workbench.commands.schema")
    agents = add_command(commands, "mcp", "answer an agent by the Model Context Protocol, on stdin and stdout", AGENTS)
    agents.add_argument("--snapshot", metavar="FILE", type=Path, help="answer about a saved snapshot, not this host")
    agents.set_defaults(module="workbench.commands.mcp")


def _add_completion(commands: Commands, add_command: AddCommand) -> None:
    command = add_command(commands, "completion", "print what makes a shell complete portscope's words", COMPLETION)
    command.add_argument("shell", choices=SHELLS, help="bash, zsh or fish")
    command.set_defaults(module="workbench.commands.completion")


def _add_doctor(commands: Commands, add_command: AddCommand) -> None:
    command = add_command(commands, "doctor", "say what can be read here, what is missing, and how to get it")
    command.add_argument("--json", action="store_true", help="print one JSON document (portscope.doctor/1)")
    command.set_defaults(module="workbench.commands.doctor")
