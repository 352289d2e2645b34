"""Large packets on a real kernel: where a finding says that they are lost a download stalls; its fix lets it go on."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import Judged, questions
from tests.faults.stage import Stage
from tests.fidelity.question import ask
from tests.harness.needs import require
from tests.harness.netns import World, run

require("ip", "nsenter", "iptables-nft", root=True)

#: Sends much to whoever connects, also while another client's connection hangs.
SERVER = """
import socket, threading
def feed(peer):
    with peer:
        peer.settimeout(3)
        try:
            peer.sendall(bytes(300_000))
        except OSError:
            pass
with socket.create_server(("0.0.0.0", 80)) as server:
    print("up", flush=True)
    while True:
        threading.Thread(target=feed, args=(server.accept()[0],), daemon=True).start()
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
    ("do", "codes", "fix"),
    [
        ((NARROW, SWALLOWED), ["LINK_PMTU_BLACKHOLE"], 0),
        ((NARROW, SWALLOWED), ["LINK_PMTU_BLACKHOLE"], -1),
        ((NARROW,), [], 0),
        ((NARROW, SWALLOWED, CLAMP), [], 0),
    ],
    ids=["the first fix", "the MSS is clamped", "nothing is lost", "it is clamped already"],
)
def test_a_download_stalls_where_it_is_found_and_goes_on_with_the_fix(
    do: tuple[str, ...], codes: list[str], fix: int
) -> None:
    with World() as world:
        stage = Stage(world, Judged(do=do, listeners=(("web", ()),), relays=(("host", ()),)))
        web, far = stage.scene.netns["web"], stage.scene.netns["far"]
        world.start(web.enter(["python3", "-c", SERVER]), ready="up")
        findings = ask(stage.scene, stage.scene.look(), questions(stage.judged)["far"]).findings
        assert [each.code for each in findings] == codes
        assert (far.run("python3", "-c", CLIENT).strip() == "300000") is not bool(codes)
        for each in findings:
            for argv in each.fixes[fix].commands:
                run(argv)
            stage.scene.forget()
            assert far.run("python3", "-c", CLIENT).strip() == "300000"
