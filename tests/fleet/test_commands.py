"""`portscope fleet` as a user runs it."""

import gzip
import json
import re
from pathlib import Path

import pytest

from workbench.cli import main

SHOP = Path(__file__).parents[1] / "hosts" / "shop.json.gz"


@pytest.fixture
def answered(tmp_path, capsys) -> str:
    folder = str(tmp_path / "fleet")
    assert main(["fleet", "add", folder, f"one={SHOP}", f"two={SHOP}"]) == 0
    assert main(["fleet", "answer", folder, "--workers", "1"]) == 0
    capsys.readouterr()
    return folder


def test_what_is_exposed(answered, capsys):
    assert main(["fleet", "exposed", answered, "--from", "lan", "--unintended"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 ports that were probably not meant to be reached from lan, on 2 hosts\n")
    assert "private service" in shown
    assert main(["fleet", "exposed", answered, "--from", "lan", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["zone"]) == ("portscope.exposed/1", "lan")
    assert [(port["host"], port["container"], port["port"]) for port in document["ports"]] == [
        ("one", "db", 5432),
        ("two", "db", 5432),
    ]


def test_sql_as_a_table_and_as_lines_of_json(answered, capsys):
    asked = "select host, count(*) as cells from reach group by host order by host"
    assert main(["fleet", "sql", answered, asked]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["host", "cells"]
    assert main(["fleet", "sql", answered, asked, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["host"] for row in found] == ["one", "two"]
    assert found[0]["cells"] == found[1]["cells"] == 8


def test_the_five_questions_of_the_page(answered, capsys):
    page = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text()
    questions = re.findall(r"^-- .+\n([^-;]+);$", page, re.MULTILINE)
    assert len(questions) == 5
    found = []
    for asked in questions:
        assert main(["fleet", "sql", answered, asked, "--json"]) == 0
        found.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    _, not_meant, _, dead, denying = found
    assert not_meant == [{"intended": "private service", "hosts": 2, "ports": 2}]
    assert {row["cause"] for row in dead} == {"FW_RULE_DROP", "NAT_DNAT_HOSTIP_MISMATCH"}
    assert {row["owner"] for row in denying} == {"admin", "docker"}


def test_files_that_cannot_be_added_are_a_line_each_and_the_others_are_added(tmp_path, capsys):
    text = gzip.decompress(SHOP.read_bytes()).decode()
    bad = {
        "cut.json": text[:3000],
        "newer.json": text.replace("snapshot/1", "snapshot/7", 1),
        "picture.png": "\x89PNG\r\n",
        "folder": None,
    }
    for name, content in bad.items():
        (tmp_path / name).mkdir() if content is None else (tmp_path / name).write_text(content)
    files = [str(tmp_path / name) for name in bad]
    assert main(["fleet", "add", str(tmp_path / "fleet"), *files, f"one={SHOP}", f"one={SHOP}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == f"added 1 of 6 to {tmp_path / 'fleet'}, which has 1 hosts\n"
    assert len(shown.err.splitlines()) == 5
    assert f"{SHOP} is of one, and so is {SHOP}: write OTHERNAME={SHOP}" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["answer", "FLEET", "--from", "mars"], "write internet, lan, NAME=NETWORK or NAME=@HOST"),
        (["answer", "FLEET", "--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers"),
        (["answer", "FLEET", "--workers", "0"], "not a number from 1 to 256"),
        (["exposed", "FLEET", "--from", "mars"], "(there are: internet, lan)"),
        (["sql", "FLEET", "drop table reach"], "only SELECT"),
        (["sql", "/proc/nothing", "select 1"], "is no fleet"),
    ],
)
def test_what_cannot_be_meant_is_one_line(answered, capsys, words, said):
    assert main(["fleet", *(answered if word == "FLEET" else word for word in words)]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_nothing_is_written_read_only(answered, capsys):
    for words in (["add", answered, str(SHOP)], ["answer", answered]):
        assert main(["--read-only", "fleet", *words]) == 2
        assert "--read-only is set" in capsys.readouterr().err


def test_a_report_is_a_page_with_the_exposures_and_their_fixes(answered, tmp_path, capsys):
    page = tmp_path / "fleet.html"
    assert main(["fleet", "report", answered, "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "<h1>Fleet: 2 hosts</h1>" in text
    assert "<td>private service</td>" in text
    assert "publish it on this host alone: 127.0.0.1:5432:5432" in text
    assert main(["fleet", "report", answered, "-o", str(page)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["fleet", "report", answered, "-o", str(page), "--force"]) == 0


def test_a_report_says_which_hosts_have_no_answer(answered, capsys):
    Path(answered, "hosts", "one.json.gz").write_bytes(b"\x1f\x8b damaged")
    assert main(["fleet", "answer", answered, "--workers", "1"]) == 3
    capsys.readouterr()
    assert main(["fleet", "report", answered]) == 0
    assert "Hosts without an answer" in capsys.readouterr().out
