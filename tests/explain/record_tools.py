"""`[TOOLS=FOLDER] python -m tests.explain.record_tools`, as root: has ufw, firewalld and NetworkManager carry out the
commands of test_tools.py, and writes what they made of them into golden/tools.txt.

TOOLS is where their Debian packages were unpacked (`dpkg -x` of ufw, firewalld, python3-firewall, python3-nftables,
python3-dbus, python3-gi, network-manager and libnm0); without it they are those of this machine. Each works on files of
its own in a folder that is thrown away, in a namespace of its own: nothing of the machine is read or changed.
Exit codes: 0 written, 2 a tool is missing or refuses a command, in one line.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.explain.golden import FOLDER
from tests.explain.test_tools import FIREWALLD_SAYS, NMCLI_SAYS, UFW_SAYS, managed, typed, ufw_host
from tests.hosts.stock import docker_world

ROOT = Path(os.environ.get("TOOLS", "/"))
#: What was typed into ufw before the rest: test_tools.DENIED.
DENIED = (
    "deny 8080",
    "deny 9090/tcp",
    "route deny proto tcp from any to 172.17.0.2 port 80",
    "reject in on up0 proto tcp from 0.0.0.0/0 to any port 7070",
    "deny proto tcp from 10.77.0.2 to any port 6060",
    "deny proto tcp from any to 10.77.0.1 port 5050",
)
PROFILE = """[connection]
id=up0
uuid=7a1f0c12-0000-4000-8000-000000000000
type=ethernet
interface-name=up0
[ipv4]
method=manual
address1=10.77.0.1/24
address2=10.77.0.4/24
route1=10.8.0.0/16,10.77.0.9
route2=10.10.0.0/16,10.77.0.9,50
[ipv6]
method=auto
"""
Recorded = tuple[str, list[str]]


def run(argv: Sequence[str], stdin: str = "") -> str:
    """A tool's own words, in a network namespace where there is nothing."""
    folder = ROOT / "usr/lib"
    libraries = ":".join(map(str, folder.glob("*-linux-gnu")))
    own = {"PYTHONPATH": str(folder / "python3/dist-packages"), "LD_LIBRARY_PATH": libraries}
    done = subprocess.run(
        ["unshare", "-n", *argv], input=stdin, capture_output=True, text=True, check=False, env={**os.environ, **own}
    )
    if done.returncode:
        raise ValueError(f"{shlex.join(argv)}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


def differences(before: list[str], after: list[str]) -> list[str]:
    """The lines that went and that came."""
    gone, come = ([each for each in one if each not in other] for one, other in ((before, after), (after, before)))
    return [*(f"-{each}" for each in gone), *(f"+{each}" for each in come)]


def ufw(folder: Path) -> Iterator[Recorded]:
    """ufw with the rules of DENIED, anew for each change."""
    data, stock = folder / "ufw", ROOT / "usr/share/ufw"
    for part in ("etc/ufw", "lib/ufw", "usr/share/ufw"):
        shutil.copytree(stock, data / part, dirs_exist_ok=True)
    shutil.copytree(ROOT / "etc/ufw", data / "etc/ufw", dirs_exist_ok=True)
    shutil.copytree(ROOT / "usr/lib/ufw", data / "lib/ufw", dirs_exist_ok=True)
    shutil.copytree(ROOT / "etc/default", data / "etc/default", dirs_exist_ok=True)
    shutil.copy(stock / "iptables/user.rules", data / "etc/ufw")
    shutil.copy(stock / "iptables/user6.rules", data / "etc/ufw")
    for words in DENIED:
        typed_in(data, words)
    for number, change in enumerate(UFW_SAYS.values()):
        mine = folder / f"ufw{number}"
        shutil.copytree(data, mine)
        for command in typed(ufw_host(), change):
            before = saved(mine)
            typed_in(mine, command.removeprefix("ufw "))
            yield command, differences(before, saved(mine))


def typed_in(data: Path, words: str) -> None:
    own = [f"--rootdir={data}", f"--datadir={data}"]
    run(["/usr/bin/python3", "-W", "ignore", str(ROOT / "usr/sbin/ufw"), *own, *shlex.split(words)])


def saved(data: Path) -> list[str]:
    """The rules that ufw's files have, as iptables-save prints them."""
    lines: list[str] = []
    for tool, name in (("iptables-nft", "user.rules"), ("ip6tables-nft", "user6.rules")):
        text = (data / "etc/ufw" / name).read_text()
        lines += run(["sh", "-c", f"{tool}-restore && {tool}-save"], text).splitlines()
    return [line for line in lines if line.startswith(("-A ufw-user-", "-A ufw6-user-"))]


def firewalld(folder: Path) -> Iterator[Recorded]:
    """firewalld's zone file after each command that is about now, which is worded as the one for good."""
    for number, change in enumerate(FIREWALLD_SAYS.values()):
        (mine := folder / f"firewalld{number}" / "zones").mkdir(parents=True)
        command, _ = typed(docker_world().snapshot(), change)
        own = [f"--system-config={mine.parent}", f"--default-config={ROOT / 'usr/lib/firewalld'}"]
        run(["/usr/bin/python3", str(ROOT / "usr/bin/firewall-offline-cmd"), *own, *shlex.split(command)[1:]])
        (element,) = re.findall(r"<rule.*?</rule>", (mine / "public.xml").read_text(), re.DOTALL)
        yield command, [f"+{line.strip()}" for line in element.splitlines()]


def networkmanager() -> Iterator[Recorded]:
    """The profile after each command; its lines are numbered, which says nothing."""
    for change in NMCLI_SAYS.values():
        (command,) = typed(managed(), change)
        words = command.split('up0)" ')[1].rstrip("'")
        after = run([str(ROOT / "usr/bin/nmcli"), "--offline", "connection", "modify", *shlex.split(words)], PROFILE)
        before = run(
            [str(ROOT / "usr/bin/nmcli"), "--offline", "connection", "modify", "connection.id", "up0"], PROFILE
        )
        bare = [[re.sub(r"^(route|address)\d+", r"\1", line) for line in each.splitlines()] for each in (before, after)]
        yield f"nmcli connection modify up0 {words}", differences(*bare)


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as name:
            records = dict((*ufw(Path(name)), *firewalld(Path(name)), *networkmanager()))
    except (OSError, ValueError) as error:
        print(f"nothing recorded: {error}", file=sys.stderr)
        return 2
    text = "\n\n".join("\n".join([f"$ {command}", *lines]) for command, lines in records.items())
    (FOLDER / "tools.txt").write_text(f"{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
