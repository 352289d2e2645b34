from ipaddress import ip_address, ip_network

import pytest

from engine.fleet.errors import FleetError
from engine.fleet.zones import ClientZone, NoClient, client, zones_of
from tests.hosts.stock import docker_host, two_uplinks


def test_zones_are_the_two_of_each_host_and_networks_with_names():
    assert zones_of("internet, lan,office=10.8.0.1/16") == (
        ClientZone("internet"),
        ClientZone("lan"),
        ClientZone("office", ip_network("10.8.0.0/16")),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no zone is named"),
        ("mars", "write internet, lan, NAME=NETWORK or NAME=@HOST"),
        ("a=b", "'b' is not a network"),
        ("lan=10.0.0.0/8", "give the network '10.0.0.0/8' another name"),
        ("A B=10.0.0.0/8", "a name has small letters"),
        ("a=10.0.0.0/8,a=10.1.0.0/16", "named twice"),
    ],
)
def test_a_zone_that_cannot_be_meant_is_refused(words, said):
    with pytest.raises(FleetError, match=said):
        zones_of(words)


def test_the_client_of_the_internet_is_in_no_network_of_the_host():
    host = two_uplinks().snapshot()
    found = client(host, ClientZone("internet"), 4)
    assert found.outside
    assert not any(each.covers(found.address) for each in host.host_netns.addresses)


def test_the_client_of_a_network_is_its_first_free_address():
    host = two_uplinks().snapshot()
    found = client(host, ClientZone("office", ip_network("10.8.0.0/16")), 4)
    assert found.address == ip_address("10.8.0.1")
    with pytest.raises(NoClient, match="no IPv6 network"):
        client(host, ClientZone("office", ip_network("10.8.0.0/16")), 6)


def test_a_host_without_a_way_there_has_no_client():
    with pytest.raises(NoClient):
        client(docker_host(), ClientZone("internet"), 6)
