"""What rows say of hosts that other fleet tools get wrong."""

from functools import partial
from pathlib import Path

from engine.fleet.answering import answered, rows
from engine.fleet.rows import INTENDED, Row
from engine.fleet.zones import zones_of
from engine.model.firewall import Backend
from engine.observe.recording.snapshot_file import open_file
from engine.path.world import World
from tests.hosts.stock import PUBLISH, docker_host, docker_world

ROOT = Path(__file__).parents[2]
ZONES = zones_of("internet,lan,office=10.8.0.0/16")


def of(snapshot) -> list[Row]:
    return list(rows(snapshot, "one", ZONES, partial(answered, World(snapshot))))


def shop() -> list[Row]:
    return of(open_file(ROOT / "tests" / "hosts" / "shop.json.gz"))


def test_every_open_port_is_asked_from_every_zone():
    found = shop()
    assert {(row.container, row.port, row.zone) for row in found if row.published} == {
        (name, port, zone.name) for name, port in (("web", 8080), ("api", 8000), ("db", 5432)) for zone in ZONES
    }
    assert all(row.verdict in ("yes", "no", "depends") or row.gap for row in found)
    assert {row.intended for row in found if row.verdict == "yes"} <= set(INTENDED)


def test_a_port_that_a_rule_denies_has_the_rule_its_owner_and_the_fix():
    row = next(row for row in shop() if (row.container, row.port, row.zone) == ("web", 8080, "lan"))
    assert (row.verdict, row.symptom, row.cause, row.owner) == ("no", "timeout", "FW_RULE_DROP", "admin")
    assert row.rule.startswith("filter/DOCKER-USER 1: ")
    assert row.fix.startswith("accept tcp to 172.18.0.2:80")
    assert row.intended == ""


def test_a_listener_inside_a_container_is_not_public():
    """osquery#8516: what listens in a container's own namespace is not reached from outside of the host."""
    found = [row for row in shop() if row.container == "cache"]
    assert found
    assert {row.zone for row in found} == {"lan", "office"}, "the internet has no route to a private address"
    assert {row.verdict for row in found} == {"no"}


#: ufw's INPUT as `ufw enable` leaves it, in short: what is established, ssh, and all else denied by the policy.
UFW = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
:ufw-user-forward - [0:0]
-A INPUT -j ufw-before-input
-A FORWARD -j ufw-user-forward
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
{rules}COMMIT
"""
#: What of a row says whether a published port is past ufw.
Said = tuple[str, str, str]


def behind_ufw(rules: str = "", nat: str = PUBLISH, user: tuple[str, ...] = ()) -> Said:
    """web's port 8080 from the lan of a Docker host whose ufw denies by default: verdict, intended, past."""
    world = docker_world(nat=nat, user=user)
    world["host"].iptables(UFW.format(rules=rules), Backend.XT_LEGACY)
    world["host"].listen(3000, program="node")
    row = next(row for row in of(world.snapshot()) if (row.port, row.zone) == (8080, "lan"))
    return row.verdict, row.intended, row.past


def test_a_published_port_past_ufw_s_default_is_said():
    """heinzel#24: nobody denies 8080 by name; ufw denies what it does not allow, and Docker's port is reached."""
    assert behind_ufw() == ("yes", "past a deny rule", "filter/INPUT: policy")


def test_a_published_port_that_ufw_allows_is_meant_to_be_reached():
    allowed = "-A ufw-user-input -p tcp -m tcp --dport 8080 -j ACCEPT\n"
    assert behind_ufw(allowed) == ("yes", "published", "")
    routed = "-A ufw-user-forward -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT\n"
    assert behind_ufw(routed) == ("yes", "published", ""), "`ufw route allow`"


def test_a_port_that_is_published_on_the_host_alone_is_not_past_ufw():
    on_loopback = PUBLISH.replace("-A DOCKER ! -i docker0", "-A DOCKER -d 127.0.0.1/32 ! -i docker0")
    assert behind_ufw(nat=on_loopback)[0] == "no"


def test_a_published_port_that_docker_user_denies_is_not_past_ufw():
    assert behind_ufw(user=("-i up0 -j DROP",))[0] == "no"


def test_a_published_port_past_a_deny_rule_is_said():
    """A rule of INPUT denies the port, and Docker's translation takes packets past it."""
    snapshot = docker_host(filters=("-A INPUT -i up0 -p tcp -m tcp --dport 8080 -j DROP",))
    row = next(row for row in of(snapshot) if (row.port, row.zone) == (8080, "lan"))
    assert (row.verdict, row.intended, row.cause) == ("yes", "past a deny rule", "FW_BYPASSED")
    assert "--dport 8080 -j DROP" in row.past
    assert row.fix == "drop port 8080/tcp in DOCKER-USER"


def test_a_listener_behind_a_published_port_is_not_what_answers_there():
    """The host's own program on 8090 is never met: packets for it are translated to the container."""
    world = docker_world(nat=PUBLISH + PUBLISH.replace("8080", "8090"))
    world["host"].listen(8090, program="python")
    found = [row for row in of(world.snapshot()) if (row.port, row.zone) == (8090, "lan")]
    assert [(row.process, row.verdict, row.gap) for row in found] == [
        ("server", "yes", ""),
        ("python", "", "another service answers there: port 80 in web"),
    ]


def test_a_listener_on_a_loopback_address_is_not_reached_where_another_one_answers():
    """Only a translation to 127.0.0.1 (with route_localnet) brings a packet from outside there."""
    world = docker_world()
    world["host"].listen(9000, "127.0.0.1", program="private").listen(9000, "10.77.0.1", program="public")
    found = [row for row in of(world.snapshot()) if (row.port, row.zone) == (9000, "lan")]
    assert sorted((row.process, row.verdict, row.intended, row.gap) for row in found) == [
        ("private", "", "", "another service answers there: port 9000 in host"),
        ("public", "yes", "listening", ""),
    ]


def test_a_private_service_says_how_it_is_published_on_this_host_alone():
    row = next(row for row in shop() if (row.container, row.port, row.zone) == ("db", 5432, "lan"))
    assert (row.intended, row.fix) == ("private service", "publish it on this host alone: 127.0.0.1:5432:5432")


def test_the_page_of_fleets_has_every_column_and_word():
    text = (ROOT / "docs" / "fleet.md").read_text()
    assert [name for name in (*Row._fields, *INTENDED) if f"`{name}`" not in text] == []
