"""A firewall that was flushed: what the engine's rules did is missing, and the chains with them."""

from dataclasses import replace

from engine.change import applied
from engine.change.consequences.built_in_chains import with_built_in
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend, Firewall
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Reach
from engine.model.where import RulePlace
from tests.hosts.stock import docker_world, three_in_line


def flushed() -> Snapshot:
    world = docker_world(proxy=False)
    world["lan"].listen(9000)
    snapshot = world.snapshot()
    bare = (replace(one, firewall=Firewall()) if one.id == "host" else one for one in snapshot.namespaces)
    return replace(snapshot, namespaces=tuple(bare))


def test_a_container_that_goes_out_unmasqueraded_is_mended_where_the_host_has_no_chain_left():
    snapshot = flushed()
    verdict = ask(snapshot, resolve(snapshot, "10.77.0.2:9000", "web"))
    assert (verdict.reach, verdict.symptom) == (Reach.NO, Symptom.TIMEOUT)
    (cause,) = verdict.causes
    assert (cause.code, cause.at.netns, cause.at.name) == ("NAT_MASQ_MISSING", "host", "nat/POSTROUTING")
    fix = cause.fixes[0]
    assert fix.commands[0][-9:] == ("POSTROUTING", "1", "-s", "172.17.0.0/16", "!", "-o", "docker0", "-j", "MASQUERADE")
    mended = applied(snapshot, fix.plan.changes)
    assert ask(mended, resolve(mended, "10.77.0.2:9000", "web")).reach is Reach.YES


def test_a_chain_of_iptables_is_made_and_a_chain_of_nft_or_of_a_user_is_not():
    place = RulePlace("host", Backend.XT_NFT, "ip", "nat", "POSTROUTING", 0)
    made = with_built_in(Firewall(), place)
    (table,) = made.tables
    assert table.chains[0].base is not None
    assert table.chains[0].base.hook == "postrouting"
    assert with_built_in(made, place) is made
    assert with_built_in(Firewall(), replace(place, chain="DOCKER")) == Firewall()
    assert with_built_in(Firewall(), replace(place, backend=Backend.NFT, chain="postrouting")) == Firewall()


def test_a_router_without_a_chain_for_sources_is_given_one_to_be_asked_back() -> None:
    world = three_in_line()
    nat = "-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80"
    world["router"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n{nat}\nCOMMIT\n")
    snapshot = world.snapshot()
    question = resolve(snapshot, "10.1.0.1:8080", "ns:client")
    (cause,) = ask(snapshot, question).causes
    (fix,) = cause.fixes
    assert (cause.code, fix.then) == ("NAT_HAIRPIN_NO_MASQ", Symptom.CONNECTED)
    assert " ".join(fix.commands[0]).endswith(
        "-t nat -I POSTROUTING 1 -s 10.1.0.2/32 -d 10.1.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE"
    )
