"""Large packets on a real kernel: where a finding says that they are lost a download stalls; its fix lets it go on."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import Judged, questions
from tests.faults.stage import Stage
from tests.fidelity.question import ask
from tests.harness.needs import require
from tests.harness.netns import World, run

require("ip", "nsenter", "iptables-nft", root=True)

#: Sends much to whoever connects.
SERVER = """
import socket
with socket.create_server(("0.0.0.0", 80)) as server:
    print("up", flush=True)
    while True:
        with server.accept()[0] as peer:
            peer.settimeout(3)
            try:
                peer.sendall(bytes(300_000))
            except OSError:
                pass
"""
#: Reads until the end, or until nothing comes for a while.
CLIENT = """
import socket
total = 0
with socket.create_connection(("10.77.0.1", 8080), 3) as peer:
    peer.settimeout(1)
    try:
        while part := peer.recv(65536):
            total += len(part)
    except TimeoutError:
        pass
print(total)
"""
NARROW = "lan: ip link set far0 mtu 1400"
SWALLOWED = "lan: iptables -A OUTPUT -p icmp -j DROP"
CLAMP = "lan: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"


@pytest.mark.parametrize(
    ("do", "codes"),
    [((NARROW, SWALLOWED), ["LINK_PMTU_BLACKHOLE"]), ((NARROW,), []), ((NARROW, SWALLOWED, CLAMP), [])],
)
def test_a_download_stalls_where_it_is_found_and_goes_on_with_the_fix(do: tuple[str, ...], codes: list[str]) -> None:
    with World() as world:
        stage = Stage(world, Judged(do=do, listeners=(("web", ()),), relays=(("host", ()),)))
        web, far = stage.scene.netns["web"], stage.scene.netns["far"]
        world.start(web.enter(["python3", "-c", SERVER]), ready="up")
        findings = ask(stage.scene, stage.scene.look(), questions(stage.judged)["far"]).findings
        assert [each.code for each in findings] == codes
        assert (far.run("python3", "-c", CLIENT).strip() == "300000") is not bool(codes)
        for each in findings:
            for argv in each.fixes[0].commands:
                run(argv)
            stage.scene.forget()
            assert far.run("python3", "-c", CLIENT).strip() == "300000"
