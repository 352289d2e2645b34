"""Compose files as people write them: several, with variables, profiles, what they include and extend."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.lab.choose import choose
from engine.lab.errors import LabError, LabFileError
from engine.lab.reading.compose import read_lab
from engine.lab.reading.project import Project
from engine.lab.spec import LabSpec
from workbench.labs import project

WEB = "services:\n  web: {ports: ['8080:80']}\n"


def lab(files: dict[str, str], variables: dict[str, str] | None = None, profiles: tuple[str, ...] = ()) -> LabSpec:
    """The lab of files by name, the first of them with those over it that begin with `over`."""
    first = next(iter(files))
    main = (first, *(name for name in files if name.startswith("over")))

    def fetch(path: str) -> str:
        if path not in files:
            raise LabError(f"cannot read {path}")
        return files[path]

    texts = {name: files[name] for name in main}
    spec, kept = read_lab(Project(main, texts, variables or {}, profiles, "lab", fetch))
    again, _ = read_lab(Project.loads(kept.dumps(), first), spec.name)
    assert again == spec, "a standing lab is what its files were"
    return spec


def ports(spec: LabSpec) -> dict[str, list[str]]:
    return {each.name: [f"{port.host_port}:{port.container_port}" for port in each.ports] for each in spec.services}


def test_variables_are_filled_in_where_they_are_used():
    text = """\
services:
  web:
    image: "nginx:${TAG:?choose a version}"
    ports:
      - "${A}:80"
      - "$B:81"
      - "${NONE:-82}:82"
      - "${EMPTY:-83}:83"
      - "8${EMPTY-9}4:84"
      - "${A:+85}:85"
      - "${NONE:-${B}}:86"
"""
    spec = lab({"lab.yaml": text}, {"A": "8080", "B": "8081", "EMPTY": "", "SECRET": "x"})
    assert ports(spec) == {"web": ["8080:80", "8081:81", "82:82", "83:83", "84:84", "85:85", "8081:86"]}
    assert spec.notes == ("lab.yaml: left out, as a lab has no use for them: image",)


def test_a_lab_keeps_only_the_variables_that_it_uses():
    text = "services: {web: {ports: ['$A:80']}}"
    _, kept = read_lab(Project(("lab.yaml",), {"lab.yaml": text}, {"A": "1", "SECRET": "hunter2"}))
    assert "hunter2" not in kept.dumps()
    assert kept.variables == {"A": "1"}


def test_commands_of_a_lab_s_own_part_keep_their_dollar_signs():
    text = WEB + "x-lab: {files: {web: {nginx/nginx.conf: 'proxy_set_header Host $host;'}}}\n"
    assert lab({"lab.yaml": text}).files[0][2] == "proxy_set_header Host $host;"


def test_files_over_a_file():
    over = "services:\n  web: {ports: ['8443:443'], networks: {back: {aliases: [w]}}}\nnetworks: {back: {}}\n"
    again = "services:\n  web: {ports: !override ['1:1']}\n  db: !reset null\n"
    base = WEB + "  db: {expose: [5432]}\n"
    assert ports(lab({"lab.yaml": base, "over.yaml": over})) == {"web": ["8080:80", "8443:443"], "db": []}
    assert ports(lab({"lab.yaml": base, "over.yaml": over, "over2.yaml": again})) == {"web": ["1:1"]}


def test_services_extend_others_here_and_in_other_files():
    files = {
        "in/lab.yaml": "services:\n  web: {extends: {file: base/common.yaml, service: app}, ports: ['2:2']}\n"
        "  also: {extends: web}\n",
        "in/base/common.yaml": "services:\n  app: {extends: {service: least, file: ../least.yaml}, ports: ['1:1']}\n",
        "in/least.yaml": "services: {least: {dns: 192.0.2.1}}\n",
    }
    spec = lab(files)
    assert ports(spec) == {"web": ["1:1", "2:2"], "also": ["1:1", "2:2"]}
    assert all(len(each.dns) == 1 for each in spec.services)


def test_files_include_others_with_their_own_variables():
    files = {
        "in/lab.yaml": "include: [more/part.yaml]\n" + WEB,
        "in/more/part.yaml": "services: {part: {ports: ['$P:1'], networks: [inner]}}\nnetworks: {inner: {}}\n",
        "in/more/.env": "P=7\nQ=8\n",
    }
    spec = lab(files)
    assert ports(spec) == {"part": ["7:1"], "web": ["8080:80"]}
    assert [each.name for each in spec.networks] == ["inner"]


def test_services_of_a_profile_wait_for_it():
    text = WEB + "  debug: {profiles: [debug], ports: ['9:9']}\n"
    spec = lab({"lab.yaml": text})
    assert ports(spec) == {"web": ["8080:80"]}
    assert spec.notes == ("lab.yaml: not built without their profiles: debug",)
    assert set(ports(lab({"lab.yaml": text}, profiles=("debug",)))) == {"web", "debug"}


def test_what_a_lab_builds_in_another_way_is_said():
    text = WEB + "networks:\n  proxy: {external: true}\n  wide: {driver: overlay, attachable: true}\n"
    assert lab({"lab.yaml": text}).notes == (
        "lab.yaml: left out, as a lab has no use for them: attachable",
        "lab.yaml:4: networks.proxy is another project's: the lab builds one of its own in its place",
        "lab.yaml:5: networks.wide has the driver overlay: the lab builds a bridge network in its place",
    )


#: Wrong files, the first line of what is said, and what would be right.
WRONG = [
    (
        {"l.yaml": "services:\n  web: {ports: ['${A:?which port}:80']}\n"},
        "l.yaml:2: ",
        "needs the variable A: which port",
    ),
    ({"l.yaml": "services:\n  web: {ports: ['${A']}\n"}, "l.yaml:2: ", "a brace that nothing closes"),
    ({"l.yaml": "services:\n  web: {ports: ['${A!x}:80']}\n"}, "l.yaml:2: ", "write $NAME, ${NAME}"),
    ({"l.yaml": "services:\n  web: {ports: ['$:80']}\n"}, "l.yaml:2: ", "$$ for a dollar sign"),
    ({"l.yaml": "services:\n  web: {ports: ['80:$A']}\n"}, "l.yaml:2: ", "services.web.ports[0] is '80:'"),
    ({"l.yaml": "services:\n  web: {extends: {file: no.yaml, service: x}}\n"}, "l.yaml:2: ", "cannot read no.yaml"),
    ({"l.yaml": "services:\n  web: {extends: other}\n"}, "l.yaml:2: ", "names 'other', which l.yaml does not have"),
    ({"l.yaml": "services:\n  a: {extends: b}\n  b: {extends: a}\n"}, "l.yaml:", "extends itself by way of others"),
    ({"l.yaml": "services:\n  a: {extends: {service: b, when: now}}\n"}, "l.yaml:2: ", "when is not a key"),
    ({"l.yaml": "include: [l.yaml]\n" + WEB}, "l.yaml:1: ", "includes l.yaml, which includes this file"),
    ({"l.yaml": "include: [no.yaml]\n" + WEB}, "l.yaml:1: ", "cannot read no.yaml"),
    ({"l.yaml": "include: ['oci://x.test/y']\n" + WEB}, "l.yaml:1: ", "not on this host"),
    ({"l.yaml": "include: [{project_directory: x}]\n" + WEB}, "l.yaml:1: ", "has no path"),
    ({"l.yaml": "include: [m.yaml]\n" + WEB, "m.yaml": WEB.replace("8080", "1")}, "l.yaml:1: ", "has a service 'web'"),
    (
        {"l.yaml": "include: [m.yaml]\n" + WEB, "m.yaml": "services: {a: {prots: []}}"},
        "m.yaml:1: ",
        "did you mean ports?",
    ),
    ({"l.yaml": WEB, "over.yaml": "services:\n  web: {ports: ['x']}\n"}, "over.yaml:2: ", "is 'x'"),
    ({"l.yaml": WEB, "over.yaml": "services: ["}, "over.yaml:1: ", "this is not YAML"),
    ({"l.yaml": "services:\n  a: {profiles: [x]}\n"}, "l.yaml:1: ", "all wait for a profile: x; choose one: --profile"),
    ({"l.yaml": "web:\n  image: nginx\n  ports: ['80:80']\n"}, "l.yaml:1: ", "put them below services:"),
    ({"l.yaml": "services:\n  a: {network_mode: 'service:z'}\n"}, "l.yaml:2: ", "which is no service"),
    (
        {"l.yaml": "services:\n  a: {ports: ['80:80'], networks: {n: {ipv4_address: x}}}\n"},
        "l.yaml:2: ",
        "IPv4 address",
    ),
    ({"l.yaml": WEB + "networks: {n: {driver: host}}\n"}, "l.yaml:3: ", "labs build bridge networks"),
]  # fmt: skip


def test_a_variable_that_is_not_set_is_said_and_empty():
    spec = lab({"l.yaml": "services:\n  web: {image: $TAG, ports: ['$A:80']}\n"})
    assert ports(spec) == {"web": ["None:80"]}
    assert spec.notes[1:] == ("l.yaml: variables that are not set, taken as empty: A",)


@pytest.mark.parametrize(("files", "place", "said"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_one_line_at_its_place(files: dict[str, str], place: str, said: str):
    with pytest.raises(LabFileError) as caught:
        choose(lab(files))
    line = str(caught.value)
    assert line.startswith(place)
    assert said in line
    assert "\n" not in line


def written(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_folder_has_its_file_its_override_and_its_variables(tmp_path, monkeypatch):
    folder = tmp_path / "My-Shop_1"
    folder.mkdir()
    written(folder, compose__yaml="services:\n  web: {ports: ['$A:80', '$B:81']}\n", __env="A=1\nB=2\nexport C='3'\n")
    written(folder, compose__override__yaml="services:\n  web: {ports: ['3:3']}\n")
    monkeypatch.setenv("B", "22")
    spec, _ = read_lab(project.named([str(folder)]))
    assert (spec.name, ports(spec)) == ("my-shop1", {"web": ["1:80", "22:81", "3:3"]})
    spec, _ = read_lab(project.named([str(folder / "compose.yaml")]))
    assert ports(spec) == {"web": ["1:80", "22:81"]}, "who names a file means that file"


def test_a_file_of_variables_in_place_of_env(tmp_path):
    written(tmp_path, compose__yaml="services:\n  web: {ports: ['$A:80']}\n", __env="A=1\n", other="A=5\n")
    spec, _ = read_lab(project.named([str(tmp_path)], env_files=[str(tmp_path / "other")]))
    assert ports(spec) == {"web": ["5:80"]}
