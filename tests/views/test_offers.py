from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import open_file
from tests.explain.hosts import SHOP
from tests.hosts.named import proxied, server, to
from views.verdict.ask import Ask
from views.verdict.offers import MOST, FieldOffer, fitting, offers, served_port


def shop() -> Snapshot:
    return open_file(SHOP)


def test_each_field_has_what_can_stand_in_it() -> None:
    found = offers(shop())
    assert FieldOffer("host", "this host itself") in found["from"]
    assert FieldOffer("db", "container · 172.19.0.3") in found["from"]
    assert FieldOffer("ns:shop-lan", "namespace · 192.168.30.2") in found["from"]
    assert FieldOffer("web", "172.18.0.2  :8080→80") in found["to"]
    assert FieldOffer("docs", "172.18.0.4  :80") in found["to"]
    assert FieldOffer("192.168.30.1", "this host · eth0") in found["to"]
    assert [each.value for each in found["protocol"]] == ["tcp", "udp", "sctp", "icmp"]


def test_sites_of_proxies_are_offered_as_urls() -> None:
    found = [each for each in offers(proxied(server(to("web"), names="blog.test")))["to"] if "site of" in each.words]
    assert [(each.value, each.words) for each in found] == [("http://blog.test/", "site of nginx in proxy")]


def test_recent_questions_come_first_and_once() -> None:
    again = Ask(":5432", "ns:shop-lan")
    found = [each.value for each in offers(shop(), [Ask("db:5432", "web"), again])["port"]]
    assert found[:2] == ["web>db:5432", "ns:shop-lan>:5432"]
    assert len(found) == len(set(found))
    assert "ns:shop-lan>:8080" in found


def test_rows_that_begin_with_the_text_come_before_those_that_have_it() -> None:
    found = offers(shop())["to"]
    assert [each.value for each in fitting(found, "d")][:2] == ["docs", "db"]
    assert [each.value for each in fitting(found, "8080")] == ["web"]
    assert fitting(found, "nothing has this") == []
    assert len(fitting(found, "")) == MOST


def test_the_port_follows_the_target() -> None:
    host = shop()
    assert served_port(host, "db", "8080") == "5432"
    assert served_port(host, "web", "80") == "80"
    assert served_port(host, "10.0.0.1", "8080") == ""
