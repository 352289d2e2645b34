"""A plan as shell: the lines that `lab up --dry-run` shows, and a script that builds the lab without portscope. Pure.

`./script` builds, `./script down` removes. Its listeners are a few lines of Python that it carries with it, one
process each; published ports are not held by a relay, so what a userland proxy would do is missing there, and names
are not answered.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from engine.change.batch import Batch
from engine.change.namespace import CreateNetns
from engine.change.namespace_file import WriteNetnsFile
from engine.change.program import AnswerNames, RelayPort, Serve, Start
from engine.change.restore import Restore
from engine.change.ruleset import LoadRules
from engine.change.sysctl import SetSysctls
from engine.model.plan import Change, Plan
from engine.model.where import Where, named

SERVER = r"""
import socket, sys, threading
protocol, address, port, name = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
found = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
found.bind((address, int(port)))
def line(client): return f"{name} saw {client[0].removeprefix('::ffff:')}:{client[1]}\n".encode()
def serve(connection, client):
    connection.sendall(line(client)); connection.shutdown(socket.SHUT_WR)
    while connection.recv(65535): pass
    connection.close()
if protocol == "tcp":
    found.listen(64)
    while True: threading.Thread(target=serve, args=found.accept(), daemon=True).start()
while True:
    client = found.recvfrom(65535)[1]
    found.sendto(line(client), client)
"""
HEAD = """\
#!/bin/sh
# {title}
# Run as root: `sh THIS` builds the lab, `sh THIS down` removes it. Written by portscope.
set -eu
namespaces={names}
if [ "${{1:-up}}" = down ]; then
    for name in $namespaces; do
        [ -e "/run/netns/$name" ] || continue
        ip netns pids "$name" | xargs -r kill 2>/dev/null || true
        ip netns del "$name"
        rm -rf "/etc/netns/$name"
    done
    exit 0
fi
for name in $namespaces; do
    [ ! -e "/run/netns/$name" ] || {{ echo "$name is there already" >&2; exit 1; }}
done
server='{server}'
"""


def lines(changes: Iterable[Change], where: Where | None = None) -> list[str]:
    """The commands of changes as a person would type them, in order. A heredoc takes several lines."""
    world = where or named()
    found: list[str] = []
    for change in changes:
        if isinstance(change, LoadRules):
            argv = (*world.enter(change.netns), *change.loader)
            found.append(f"{shlex.join(argv)} <<'END'\n{change.load_text.rstrip()}\nEND")
        elif isinstance(change, (Batch, Restore, SetSysctls)):
            argv = (*world.enter(change.netns), *change.loader)
            found.append(
                f"{shlex.join(argv)} <<'END' || echo 'lines of {change.netns} were refused' >&2\n{change.text}END"
            )
        elif isinstance(change, WriteNetnsFile):
            found.append(change.here_document)
        else:
            found += [shlex.join(argv) for argv in change.argv(world)]
    return found


def script(plan: Plan) -> str:
    """A shell script that builds a lab from nothing."""
    names = [change.name for change in plan.changes if isinstance(change, CreateNetns)]
    head = HEAD.format(
        title=plan.title, names=shlex.quote(" ".join(names)), server=SERVER.replace("'", "'\\''").strip()
    )
    body: list[str] = []
    where = named()
    for change in plan.changes:
        if isinstance(change, Serve):
            words = (str(change.protocol), str(change.address), str(change.port), change.name)
            enter = shlex.join(where.enter(change.netns))
            body.append(f'{enter} python3 -I -c "$server" {shlex.join(words)} >/dev/null 2>&1 &')
        elif isinstance(change, Start):
            argv = shlex.join(("ip", "netns", "exec", change.netns, *change.words))
            body.append(f"{argv} >/dev/null 2>&1 &")
        elif isinstance(change, RelayPort | AnswerNames):
            continue
        else:
            body += lines([change], where)
    return head + "\n".join(body) + "\n"
