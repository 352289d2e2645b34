"""The HTML report and its Mermaid diagram in a real browser, opened from disk."""

import json
import re

import pytest
from pypdf import PdfReader

from tests.harness.browser import DARK, package_file, printed, told_by
from tests.harness.needs import require
from tests.hosts.stock import docker_world
from tests.views.report_hosts import answer, docker_host, hostile_host
from views.reports.document import report
from views.reports.page import page
from views.reports.writers import write
from workbench.session.matrix_pool import fill

require("chromium")

HOSTS = {"docker": docker_host, "hostile": hostile_host}


@pytest.fixture(scope="module", params=HOSTS)
def html(request) -> str:
    snapshot = HOSTS[request.param]()
    return page.render(report(snapshot, [answer(snapshot, ":9999", "ns:lan")]))


@pytest.mark.parametrize("options", [(), (DARK,)], ids=["light", "dark"])
def test_the_page_is_accessible_by_axe(options, tmp_path):
    snapshot = hostile_host()
    html = page.render(report(snapshot, [answer(snapshot, ":9999", "ns:lan")], fill(snapshot)))
    script = """axe.run().then((result) => tell({
        dark: matchMedia("(prefers-color-scheme: dark)").matches,
        wrong: result.violations.map(
            (one) => [one.id, one.nodes.map((node) => node.html + " " + node.failureSummary)])}));"""
    library = package_file("axe-core/axe.min.js")
    found = told_by(html, script, tmp_path / "page.html", library, options=options)
    assert found == {"dark": bool(options), "wrong": []}


def test_the_way_of_the_packet_is_there_step_by_step_with_the_one_that_stops_it():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",)).snapshot()
    verdict = answer(snapshot, ":8080", "ns:lan")
    html = page.render(report(snapshot, [verdict]))
    (stop,) = re.findall("<tr class=stop>(.*?)</tr>", html)
    assert "-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP" in stop
    assert "✗ drop" in stop
    fix = verdict.causes[0].fixes[0]
    assert f"<strong>Persistence:</strong> {fix.survives}" in html.replace("&#x27;", "'")
    rows = [step for hop in verdict.conversation.forward.hops for step in hop.steps]
    assert html.partition("<h3>Path")[2].partition("<h2")[0].count("<tr") == len(rows) + 1


def test_names_of_the_host_stay_text_and_nothing_outside_is_asked_for(html, tmp_path):
    script = """tell({
      scripts: document.querySelectorAll("script[src], link, img, iframe, object").length,
      title: document.title,
      fetched: performance.getEntriesByType("resource").length,
    });"""
    found = told_by(html, script, tmp_path / "page.html")
    assert found["scripts"] == found["fetched"] == 0
    assert found["title"].startswith("Container network of ")


def test_searching_marks_places_and_leaves_only_rows_that_have_the_word(tmp_path):
    script = """
      const box = document.getElementById("search");
      box.value = "172.17.0.3";
      box.dispatchEvent(new Event("input"));
      tell({
        found: [...document.querySelectorAll(".map .found")].map((one) => one.querySelector(".name").textContent),
        rows: [...document.querySelectorAll("tbody tr")].filter((row) => !row.hidden)
          .every((row) => row.textContent.includes("172.17.0.3")),
        words: document.getElementById("found").textContent,
      });"""
    found = told_by(page.render(report(docker_host())), script, tmp_path / "page.html")
    assert found["found"] == ["db"]
    assert found["rows"] is True
    assert re.fullmatch(r"1 places, \d+ rows", found["words"])


def test_the_picture_zooms_moves_and_comes_back(tmp_path):
    script = """
      const svg = document.querySelector(".map svg");
      const view = () => svg.getAttribute("viewBox");
      const press = (key) => document.querySelector(".map").dispatchEvent(new KeyboardEvent("keydown", { key }));
      const all = `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`;
      const seen = [all, view()];
      for (const key of ["+", "ArrowRight", "0"]) { press(key); seen.push(view()); }
      document.querySelector("[data-map=out]").click();
      seen.push(view());
      tell(seen);"""
    all_of_it, start, near, moved, whole, far = told_by(
        page.render(report(docker_host())), script, tmp_path / "page.html"
    )
    assert whole == all_of_it
    assert len({start, near, moved, whole, far} - {all_of_it}) >= 3


@pytest.mark.parametrize("name", HOSTS)
def test_mermaid_parses_and_draws_the_diagram(name, tmp_path):
    made = report(HOSTS[name]())
    script = f"""
      mermaid.initialize({{ startOnLoad: false }});
      const text = {json.dumps(write(made, "mermaid"))};
      mermaid.parse(text).then(() => mermaid.render("drawn", text)).then(
        (done) => tell({{ nodes: (done.svg.match(/class="node /g) || []).length }}),
        (error) => tell({{ error: String(error) }}));"""
    library = package_file("mermaid/dist/mermaid.min.js")
    html = '<!doctype html><meta charset="utf-8"><body></body>'
    found = told_by(html, script, tmp_path / "mermaid.html", library.replace("</script>", "<\\/script>"))
    assert found == {"nodes": len(made.graph.spots)}


def test_on_paper_nothing_is_cut_and_wide_tables_lie_across(tmp_path):
    snapshot = docker_host()
    on_screen, paper = tmp_path / "page.html", tmp_path / "page.pdf"
    on_screen.write_text(page.render(report(snapshot, [answer(snapshot, ":9999", "ns:lan")], fill(snapshot))))
    printed(on_screen, paper)
    sheets = {sheet.extract_text(): sheet.mediabox for sheet in PdfReader(paper).pages}
    ((across, size),) = [(text, size) for text, size in sheets.items() if "Reachability" in text]
    assert size.width > size.height
    assert "✓ connected" in across
    assert "✗ net-unreachable" in across
    text = "\n".join(sheets)
    assert "NOT REACHABLE" in text
    assert "-A POSTROUTING" in text
    assert "zoom in" not in text
    assert "Search the picture" not in text
