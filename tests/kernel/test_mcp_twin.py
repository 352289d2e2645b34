"""An agent tries a fix: on a twin of the snapshot, which is gone afterwards."""

from mcp import Client

from tests.agents.test_mcp import SHOP, asked, talk
from tests.harness.needs import require

require("ip", "nft", "iptables-nft", root=True)


def test_a_fix_is_tried_on_a_twin():
    async def work(client: Client) -> None:
        found = await asked(client, "try_fix_in_twin", target=":8080", source="ns:shop-lan")
        assert (found["about"]["seen"], found["about"]["then"]) == ("timeout", "connected")
        assert found["items"][0]["title"].startswith("accept tcp to 172.18.0.2:80")

    talk(work, "--snapshot", str(SHOP))
