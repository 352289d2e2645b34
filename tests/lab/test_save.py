"""What is saved builds the same lab; the gallery's labs are files like any other."""

from __future__ import annotations

import pytest

from engine.lab import library
from engine.lab.errors import LabError
from engine.lab.lifecycle import draft
from engine.lab.reading.compose import read
from engine.lab.save import save
from tests.lab.test_compose import SHOP

FULL = """\
services:
  web: {ports: ["[::1]:8080:80", "53/udp"], networks: [six], sysctls: {net.ipv4.tcp_fin_timeout: 9}}
  pod: {network_mode: "service:web"}
  flat: {network_mode: bridge}
  naked: {network_mode: none}
  homeless: {expose: ["1-3"]}
networks:
  six: {enable_ipv6: true, driver_opts: {com.docker.network.bridge.gateway_mode_ipv6: routed}}
x-lab:
  layout: docker-28
  userland-proxy: false
  outside:
    lan: {subnet: 10.7.0.0/24, listens: ["9000"]}
    inet: {behind: lan, default: false, mtu: 1400}
    vpn: {routes: [10.9.0.0/16]}
  listens: {pod: ["127.0.0.1:99", "[::1]:98/udp"], web: []}
  commands: {naked: [sleep, "9"]}
  rules: ["iptables -A INPUT -j ACCEPT"]
  routes: ["blackhole 10.66.0.0/16", {in: web, add: 10.67.0.0/16 dev eth0}]
  sysctls: {host: {net.ipv4.conf.all.rp_filter: 1}}
  impairments: [{node: web, rate: 1mbit, delay: 20ms, loss: 1%}]
  checks: [{from: lan, to: ":8080", expect: timeout, cause: FW_RULE_DROP}]
"""


def test_a_dollar_sign_in_the_name_of_a_bridge_is_kept():
    text = "services: {web: {networks: [a]}}\nnetworks: {a: {driver_opts: {com.docker.network.bridge.name: br$$1}}}\n"
    first = draft(text, "lab.yaml")
    again = draft(save(first.lab), "lab.yaml", "lab")
    assert [each.link for one in (first, again) for each in one.lab.bridges if each.name == "a"] == ["br$1", "br$1"]


FILES = {"shop": SHOP, "full": FULL, **{name: library.text(name) for name in library.names()}}


@pytest.mark.parametrize("text", FILES.values(), ids=list(FILES))
def test_a_saved_lab_is_the_same_lab(text: str) -> None:
    before = draft(text, "lab.yaml", "lab")
    after = draft(save(before.lab), "saved.yaml")
    assert after.plan == before.plan
    assert save(after.lab) == save(before.lab)


def test_faults_are_saved_with_the_lab() -> None:
    assert read(save(draft(SHOP, "lab.yaml").lab, ("docker-user-drop",)), "x").faults == ("docker-user-drop",)


def test_the_gallery_has_a_dozen_labs_with_a_title_a_story_and_checks() -> None:
    assert len(library.names()) >= 12
    for name in library.names():
        spec = draft(library.text(name), name).lab.spec
        assert (spec.name, spec.notes) == (name, ())
        assert spec.title
        assert len(spec.story.split()) > 20
        assert spec.checks
    with pytest.raises(LabError, match="the gallery has no lab nothing; it has: default-bridge"):
        library.text("nothing")
