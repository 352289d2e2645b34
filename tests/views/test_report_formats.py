"""Each format is read by the program or the parser that it is for, with names that try to break out of it."""

import io
import json
import subprocess
from xml.etree import ElementTree

import networkx as nx
import pytest

from tests.harness.needs import require
from tests.hosts.stock import docker_world
from tests.views.report_hosts import HOSTILE, answer, docker_host, hostile_host
from views.reports.document import report
from views.reports.formats import placing
from views.reports.writers import FORMATS, write
from workbench.session.matrix_pool import fill

HOSTS = {"docker": docker_host, "hostile": hostile_host}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=HOSTS)
def made(request):
    snapshot = HOSTS[request.param]()
    return report(snapshot, [answer(snapshot, ":9999", "ns:lan")])


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_a_control_character_through(made, name):
    text = write(made, name)
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_snapshot_gives_the_same_document(name):
    documents = {write(report(docker_host()), name) for _ in range(2)}
    assert len(documents) == 1


def test_graphviz_draws_the_dot_file(made):
    require("dot")
    drawn = subprocess.run(
        ["dot", "-Tsvg"], input=write(made, "dot"), capture_output=True, text=True, check=True, timeout=60
    )
    assert drawn.stderr == ""
    groups = ElementTree.fromstring(drawn.stdout).iter(f"{SVG}g")
    kinds = [group.get("class") for group in groups]
    assert kinds.count("node") == len(made.graph.spots)
    assert kinds.count("edge") == len(made.graph.wires)


def test_networkx_reads_the_graphml_file_back(made):
    read = nx.read_graphml(io.BytesIO(write(made, "graphml").encode()), force_multigraph=True)
    assert read.number_of_nodes() == len(made.graph.spots)
    assert read.number_of_edges() == len(made.graph.wires)
    kinds = sorted(kind for _, kind in read.nodes(data="kind"))
    assert kinds == sorted(str(spot.place) for spot in made.graph.spots)


def test_the_draw_io_file_has_a_cell_for_each_node_and_edge_and_every_end_exists(made):
    root = ElementTree.fromstring(write(made, "drawio"))
    cells = root.findall(".//mxCell")
    vertices = {cell.get("id") for cell in cells if cell.get("vertex")}
    edges = [cell for cell in cells if cell.get("edge")]
    assert (len(vertices), len(edges)) == (len(made.graph.spots), len(made.graph.wires))
    assert {cell.get(end) for cell in edges for end in ("source", "target")} <= vertices
    labels = [ElementTree.fromstring(f"<p>{cell.get('value').replace('<br>', '<br/>')}</p>") for cell in cells[2:]]
    assert all(child.tag == "br" for label in labels for child in label)


def test_the_svg_has_a_group_for_each_node_and_asks_for_nothing_outside(made):
    text = write(made, "svg")
    root = ElementTree.fromstring(text)
    assert len([group for group in root.iter(f"{SVG}g") if group.get("id")]) == len(made.graph.spots)
    assert len(list(root.iter(f"{SVG}path"))) == len(made.graph.wires)
    assert root.find(f"{SVG}title").text == "Topology"
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "title", "desc", "style", "g", "path", "rect", "text")
    }


def test_boxes_of_the_picture_do_not_overlap(made):
    boxes = list(placing.place(made.graph).boxes.values())
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert beside or above


def test_containerlab_gets_nodes_of_its_kinds_and_links_between_them(made):
    """The fields of https://containerlab.dev/manual/topo-def-file/: name, topology.nodes, topology.links.endpoints."""
    lab = json.loads(write(made, "containerlab"))
    nodes = lab["topology"]["nodes"]
    assert {node["kind"] for node in nodes.values()} == {"linux", "bridge"}
    ends = [end.split(":") for link in lab["topology"]["links"] for end in link["endpoints"]]
    assert {name for name, _ in ends} <= set(nodes)
    assert len({tuple(end) for end in ends}) == len(ends) == 6
    assert any("ip address add 172.17.0.2/16 dev eth0" in node.get("exec", []) for node in nodes.values())


def test_markdown_keeps_every_name_a_word_and_every_row_whole(made):
    text = write(made, "md")
    for line in text.split("```")[-1].splitlines():
        if line.startswith("|") and "---" not in line:
            cells = line.replace("\\|", "").count("|")
            assert cells in {len(sheet.columns) + 1 for sheet in made.sheets}
    assert "<script>" not in text.split("```")[-1].replace("\\<script\\>", "")


def test_json_tells_the_graph_the_tables_and_the_answers(made):
    document = json.loads(write(made, "json"))
    assert document["schema"] == "portscope.report/1"
    assert len(document["topology"]["nodes"]) == len(made.graph.spots)
    assert document["answers"][0]["schema"] == "portscope.why/1"
    assert document["tables"]["published"][0]["container"] in ("web", HOSTILE + "web")


def test_json_tells_of_each_cell_of_the_matrix_where_it_ends():
    snapshot = docker_world(user=("-p tcp -m tcp --dport 80 -j DROP",)).snapshot()
    document = json.loads(write(report(snapshot, [], fill(snapshot)), "json"))
    row = next(row for row in document["matrix"]["rows"] if row["service"] == "published")
    cell = next(cell for cell in row["cells"] if cell["from"].startswith("lan"))
    assert (cell["reach"], cell["symptom"]) == ("no", "timeout")
    assert cell["ends"] == "RULE_DROP in host: filter/DOCKER-USER 1"
    assert {cell["from"] for cell in row["cells"]} <= set(document["matrix"]["vantages"])
    assert json.loads(write(report(snapshot), "json"))["matrix"] is None


def test_text_has_every_table(made):
    text = write(made, "text")
    assert all(sheet.title.upper() in text for sheet in made.sheets)
