"""Names in namespaces that have files of their own (ip-netns(8)): what `getent` finds there, against what is predicted.

client ── 10.8.0.0/24 ── site (dnsmasq at 10.8.0.1, and at its own 127.0.0.1) ── 10.9.0.0/24 ── far (unbound)
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.needs import require
from tests.harness.netns import End, Netns, World, run
from tests.harness.processes import wait

require("ip", "dnsmasq", "unbound", "getent", root=True)

FILES = Path("/etc/netns")
UNBOUND = """
server:
  interface: 10.9.0.2
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  chroot: ""
  username: ""
  use-syslog: no
  pidfile: ""
  module-config: "iterator"
  local-zone: "example." static
  local-data: "nas.corp.example. IN A 10.9.0.2"
  local-data: "db.corp.example. IN A 10.9.0.77"
remote-control:
  control-enable: no
"""


@dataclass
class Site:
    world: World
    client: Netns
    site: Netns
    far: Netns

    def files(self, netns: Netns, **texts: str) -> None:
        """The files of a namespace, as `ip netns exec` puts them into /etc."""
        folder = FILES / Path(netns.path).name
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name.replace("_", ".")).write_text(text)

    def finds(self, netns: Netns, name: str) -> tuple[tuple[str, ...], float]:
        """The addresses that getent gives, and the seconds that it takes."""
        begun = time.monotonic()
        argv = ["ip", "netns", "exec", Path(netns.path).name, "getent", "ahosts", name]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        found = tuple(dict.fromkeys(line.split()[0] for line in done.stdout.splitlines()))
        return found, time.monotonic() - begun

    def why(self, netns: Netns, target: str) -> dict[str, Any]:
        words = [
            sys.executable,
            "-m",
            "workbench.start",
            "why",
            target,
            "--from",
            f"ns:{Path(netns.path).name}",
            "--json",
        ]
        done = subprocess.run(self.site.enter(words), capture_output=True, text=True, timeout=60, check=False)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with World() as world:
        made = Site(world, world.netns("client"), world.netns("site"), world.netns("far"))
        folders = [FILES / Path(each.path).name for each in (made.client, made.site, made.far)]
        before = FILES.exists()
        try:
            world.veth(End(made.client, "eth0", ("10.8.0.2/24",)), End(made.site, "near", ("10.8.0.1/24",)))
            world.veth(End(made.site, "out", ("10.9.0.1/24",)), End(made.far, "eth0", ("10.9.0.2/24",)))
            made.client.route("default via 10.8.0.1")
            made.far.route("default via 10.9.0.1")
            made.site.sysctl("net.ipv4.ip_forward", 1)
            (tmp_path / "unbound.conf").write_text(UNBOUND)
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            world.start(made.far.enter(["unbound", "-d", "-c", str(tmp_path / "unbound.conf")]), **quiet)
            conf = tmp_path / "dnsmasq.conf"
            conf.write_text("no-resolv\nno-hosts\nserver=10.9.0.2\naddress=/local.example/10.8.0.1\nuser=root\n")
            words = ["dnsmasq", "--keep-in-foreground", f"--conf-file={conf}", "--pid-file", "--log-facility=-"]
            world.start(made.site.enter(words), **quiet)
            wait(lambda: made.site.listening(53) and made.far.listening(53), "the resolvers do not listen")
            made.files(made.client, resolv_conf="nameserver 10.8.0.1\nsearch corp.example\n")
            made.files(made.site, resolv_conf="nameserver 127.0.0.1\n", hosts="10.9.0.2 pinned.example\n")
            yield made
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            if not before and FILES.exists() and not any(FILES.iterdir()):
                FILES.rmdir()


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("nas.corp.example", ["local", "local"]),
        ("nas", ["local", "local"]),
        ("local.example", ["local"]),
        ("www.local.example", ["local"]),
        ("nosuch.corp.example", ["local"] * 4),
        ("other.example", ["local"] * 4),
    ],
)
def test_a_client_asks_a_resolver_that_asks_another(site: Site, name: str, by: list[str]) -> None:
    real, _ = site.finds(site.client, name)
    answer = site.why(site.client, f"http://{name}/")
    assert tuple(answer["name"]["addresses"]) == real
    assert [step["by"] for step in answer["name"]["order"]] == by
    assert (answer["symptom"] == "name-not-found") is not bool(real)


def test_a_namespace_has_a_hosts_file_of_its_own(site: Site) -> None:
    assert site.finds(site.site, "pinned.example")[0] == ("10.9.0.2",)
    answer = site.why(site.site, "http://pinned.example/")
    assert answer["name"]["order"][0]["at"]["name"].endswith("/hosts:1")
    assert answer["name"]["used"] == "10.9.0.2"
    assert answer["causes"][0]["code"] == "DST_NO_LISTENER"


def test_a_resolver_whose_own_server_is_behind_a_drop(site: Site) -> None:
    run(site.far.enter(["iptables", "-A", "INPUT", "-p", "udp", "-m", "udp", "--dport", "53", "-j", "DROP"]))
    real, seconds = site.finds(site.client, "nas.corp.example")
    answer = site.why(site.client, "http://nas.corp.example/")
    assert real == ()
    assert seconds > 2
    assert answer["reach"] == "no"
    assert "NAME_RESOLVER_UNREACHABLE" in [each["code"] for each in answer["causes"]]
    told = [(each["code"], [fix["commands"] for fix in each["fixes"]]) for each in answer["causes"]]
    dropped = next(fixes for code, fixes in told if code == "FW_RULE_DROP")
    assert any("iptables" in word for word in dropped[0][0]), told
