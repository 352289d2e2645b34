"""The HTML report and its Mermaid diagram in a real browser, opened from disk."""

import base64
import json
import re

import pytest

from tests.harness.browser import document_after, package_file
from tests.harness.needs import require
from tests.views.report_hosts import answer, docker_host, hostile_host
from views.reports.document import report
from views.reports.page import page
from views.reports.writers import write

require("chromium")

HOSTS = {"docker": docker_host, "hostile": hostile_host}
#: Puts what a script found into the document, where the test reads it.
TOLD = re.compile(r'<pre id="told">(.*?)</pre>', re.DOTALL)
TELL = """
const tell = (found) => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
  document.body.append(told);
};
"""


def told_by(html: str, script: str, path, *libraries: str) -> object:
    """What `script`, run at the end of the page after the libraries, has told."""
    scripts = "".join(f"<script>{library}</script>" for library in (*libraries, TELL, script))
    path.write_text(html.replace("</body>", f"{scripts}</body>"), encoding="utf-8")
    found = TOLD.search(document_after(path))
    assert found is not None, "the script told nothing"
    return json.loads(base64.b64decode(found[1]))


@pytest.fixture(scope="module", params=HOSTS)
def html(request) -> str:
    snapshot = HOSTS[request.param]()
    return page.render(report(snapshot, [answer(snapshot, ":9999", "ns:lan")]))


def test_the_page_is_accessible_by_axe(html, tmp_path):
    script = """axe.run().then((result) => tell(result.violations.map(
        (one) => [one.id, one.nodes.map((node) => node.html + " " + node.failureSummary)])));"""
    assert told_by(html, script, tmp_path / "page.html", package_file("axe-core/axe.min.js")) == []


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
      const seen = [view()];
      for (const key of ["+", "ArrowRight", "0"]) { press(key); seen.push(view()); }
      document.querySelector("[data-map=out]").click();
      seen.push(view());
      tell(seen);"""
    start, near, moved, whole, far = told_by(page.render(report(docker_host())), script, tmp_path / "page.html")
    assert whole == start
    assert len({start, near, moved, far}) == 4


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
