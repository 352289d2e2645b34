"""Virtual services of IPVS, as the kernel lists them."""

from __future__ import annotations

from pathlib import Path

from engine.observe.firewall.ipvs import parse_services, read_balancer

#: As ip_vs_info_seq_show (net/netfilter/ipvs/ip_vs_ctl.c) writes it.
LISTED = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A60000A:0050 rr{blank}
  -> 0AF40005:1F90      Masq    1      0          0{blank}
UDP  [fd00:0000:0000:0000:0000:0000:0000:000a]:0035 rr{blank}
  -> [fd00:0000:0000:0000:0000:0000:0000:0010]:0035      Masq    1      0          0{blank}
FWM  00000100 rr{blank}
  -> 0A000005:0000      Masq    1      0          0{blank}
""".format(blank=" ")


def test_services_are_told_by_their_ends_and_marks() -> None:
    assert list(parse_services(LISTED)) == ["10.96.0.10:80/tcp", "[fd00::a]:53/udp", "the mark 256"]


def test_where_there_are_services_they_are_a_gap(tmp_path: Path) -> None:
    (tmp_path / "ip_vs").write_text(LISTED)
    (found,) = read_balancer("host", str(tmp_path / "ip_vs"))
    assert (found.source, found.netns) == ("IPVS", "host")
    assert "10.96.0.10:80/tcp, [fd00::a]:53/udp, the mark 256, to where" in found.reason


def test_without_the_module_or_without_a_service_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "ip_vs").write_text("".join(LISTED.splitlines(keepends=True)[:3]))
    assert read_balancer("host", str(tmp_path / "ip_vs")) == ()
    assert read_balancer("host", str(tmp_path / "none")) == ()
