"""The HTML page of many hosts in a real browser, opened from disk."""

import pytest

from tests.harness.browser import DARK, package_file, told_by
from tests.harness.needs import require
from views.reports.page.fleet import FleetPage, render
from views.reports.page.listing import FIRST, Listing
from views.reports.sheet import Sheet

require("chromium")

COLUMNS = ("host", "container", "why not meant", "from")
HOSTILE = '</script><img src=x onerror=alert(1)>&"\x1b[31m\u202e'


def fleet(hosts: int = 10_000, container: str = "db", whole: int = 0) -> FleetPage:
    rows = [
        (
            f"host{number}",
            container,
            ("private service", "loopback only")[number % 2],
            ("internet, lan", "lan")[number % 3 > 0],
        )
        for number in range(hosts)
    ]
    listing = Listing("exposed", "Every such port", "Each with its zones.", COLUMNS, rows, (2, 3), whole or hosts)
    zones = Sheet("zones", "By zone", "How they answer.", ("zone", "hosts"), (("lan", str(hosts)),))
    dead = Sheet("causes", "Published, and not reached", "Why.", ("cause", "ports"), (("FW_RULE_DROP", "7"),))
    return FleetPage(f"Fleet {container}", (("hosts", str(hosts)),), (zones,), listing, (dead,))


def seen(page: FleetPage, path, *moves: str) -> dict:
    """What the list shows after some moves of a user."""
    choose = """
      const choose = (id, value) => {
        const part = document.getElementById(id);
        part.value = value;
        part.dispatchEvent(new Event(part.tagName === "INPUT" ? "input" : "change"));
      };
      const more = document.getElementById("more");"""
    end = """
      const lines = [...document.querySelectorAll("#list tr")];
      tell({
        lines: lines.length, first: lines.length ? lines[0].children[0].textContent : "",
        count: document.getElementById("count").textContent, more: !more.hidden,
        choices: [...document.querySelectorAll("select")].map((one) => [...one.options].map((each) => each.text)),
      });"""
    return told_by(render(page), choose + ";".join(moves) + ";" + end, path / "page.html")


@pytest.mark.parametrize("options", [(), (DARK,)], ids=["light", "dark"])
def test_the_page_is_accessible_by_axe(options, tmp_path):
    script = """axe.run().then((result) => tell(result.violations.map(
        (one) => [one.id, one.nodes.map((node) => node.html + " " + node.failureSummary)])));"""
    library = package_file("axe-core/axe.min.js")
    page = render(fleet(300, HOSTILE))
    assert told_by(page, script, tmp_path / "page.html", library, options=options) == []


def test_ten_thousand_hosts_are_a_page_of_sensible_size_that_is_filtered(tmp_path):
    page = fleet()
    assert len(render(page)) < 1_000_000
    found = seen(page, tmp_path)
    assert (found["lines"], found["count"], found["more"]) == (200, "200 of 10000 are shown.", True)
    assert found["choices"] == [["all", "loopback only", "private service"], ["all", "internet", "lan"]]
    found = seen(page, tmp_path, 'choose("filter-2", "loopback only")', 'choose("filter-3", "internet")')
    assert (found["first"], found["count"]) == ("host3", "200 of 1667 are shown.")
    found = seen(page, tmp_path, 'choose("words", "HOST99 private")', "more.click()")
    assert (found["lines"], found["count"], found["more"]) == (55, "55 of 55 are shown.", False)
    assert seen(page, tmp_path, 'choose("words", "no such word")')["count"] == "0 of 0 are shown."
    assert seen(page, tmp_path, "more.click()")["lines"] == 400


def test_what_is_not_in_the_page_is_said(tmp_path):
    assert seen(fleet(300, whole=40_000), tmp_path)["count"].endswith("The page has 300 of 40000.")


def test_without_its_script_the_first_rows_are_there():
    page = render(fleet(300))
    assert page.partition('id="list"')[2].partition("</tbody>")[0].count("<tr>") == FIRST
    assert f"{FIRST} of 300 are shown." in page


def test_names_of_hosts_stay_text_and_nothing_outside_is_asked_for(tmp_path):
    script = """tell({
      pictures: document.querySelectorAll("img, iframe, object, link, script[src]").length,
      fetched: performance.getEntriesByType("resource").length,
      cell: document.querySelector("#list td:nth-child(2)").textContent,
    });"""
    found = told_by(render(fleet(3, HOSTILE)), script, tmp_path / "page.html")
    assert (found["pictures"], found["fetched"]) == (0, 0)
    assert found["cell"].startswith('</script><img src=x onerror=alert(1)>&"')
    assert "\x1b" not in found["cell"]
