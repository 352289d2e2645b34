"""Other names for a recording that leaves the house: hosts, containers, images, projects, networks, namespaces.

1. A name is replaced where it names (a container's name, a namespace's id wherever one is meant), and as a whole word
   in texts for people: comments, reasons of gaps, paths. The same name is the same pseudonym everywhere.
2. What people wrote beside rules and devices, ids and paths are `redact_words`' matter.
3. What the kernel or an engine calls so by itself stays: `host`, `pid-12`, the networks `bridge`, `host`, `none`,
   `podman`. So do names of devices and programs: rules and causes speak of them.
4. A container and its namespace that share a name share the pseudonym. Of several hosts, an id keeps its two parts: the
   host's name, and what the host itself calls the namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.observe.recording.redact_application import Renaming, labels_of
from engine.observe.recording.redact_words import Words

Json = dict[str, Any]

#: Names that say nothing about whose host it is.
COMMON = frozenset({"", "host", "bridge", "none", "default", "podman", "ingress", "docker_gwbridge"})
_PID = re.compile(r"pid-\d+(-nsid-\d+)?")
#: Keys whose texts are for people, or hold a name as one word among others.
TEXTS = frozenset({"comment", "alias", "reason", "source", "text", "path", "network_mode", "command", "segment"})
#: Of these, the ones that a person wrote.
FREE = frozenset({"comment", "alias"})
#: Keys of ids.
IDS = frozenset({"id"})
#: Keys that hold the id of a namespace or the name of a host, wherever they are.
NETNS = frozenset({"netns", "host", "machine", "home", "hostname"})
#: Keys of an answer whose words are of a closed set, and name nothing of the host.
WORDS = frozenset(
    (
        *("schema", "reach", "symptom", "code", "outcome", "reject", "kind", "hook", "backend", "family", "protocol"),
        *("agree", "agrees", "leg", "event", "direction", "verified", "then", "owner"),
    )
)
#: The shortest name that is looked for as a word in texts: shorter ones are words of the tools.
SHORTEST = 3


class Names:
    """The pseudonyms of one recording."""

    def __init__(self, recording: Json) -> None:
        self._pseudonyms: dict[str, str] = {}
        self._words = Words()
        self._machines = {each["name"] for each in recording.get("machines", ())}
        for name, kind in _names(recording):
            if name not in COMMON and not _PID.fullmatch(name) and name not in self._pseudonyms:
                count = sum(one.startswith(f"{kind}-") for one in self._pseudonyms.values())
                self._pseudonyms[name] = f"{kind}-{count + 1}"
        words = sorted((name for name in self._pseudonyms if len(name) >= SHORTEST), key=len, reverse=True)
        self._word = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, words))})(?![\w-])") if words else None

    def name(self, name: str) -> str:
        """A name that stands alone, or behind that of its host."""
        machine, slash, rest = name.partition("/")
        if slash and machine in self._machines:
            return f"{self.name(machine)}/{self.name(rest)}"
        return self._pseudonyms.get(name, name)

    @property
    def containers(self) -> dict[str, str]:
        """The new names of the containers, by the old ones."""
        return {old: new for old, new in self._pseudonyms.items() if new.startswith("container-")}

    def text(self, text: str) -> str:
        """A text of a tool, in which names and people's words may stand."""
        return self._words.technical(self._named(text))

    def _named(self, text: str) -> str:
        return self._word.sub(lambda found: self._pseudonyms[found[1]], text) if self._word else text

    def answer(self, value: Any, key: str = "") -> Any:
        """An answer with other names: whatever is not a word of its own may hold one."""
        if isinstance(value, dict):
            return {name: self.answer(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.answer(each, key) for each in value]
        if not isinstance(value, str) or key in WORDS:
            return value
        return self.name(value) if key in NETNS else self.text(value)

    def recording(self, recording: Json) -> Json:
        """The whole recording with other names."""
        changed: Json = self._value(recording)
        changed["hostname"] = self.name(recording.get("hostname", ""))
        for netns in changed["namespaces"]:
            netns["id"] = self.name(netns["id"])
        for machine in changed.get("machines", ()):
            machine["name"] = self.name(machine["name"])
        for container in changed.get("containers", ()):
            for key in ("name", "image", "project", "service", "pod"):
                if key in container:
                    container[key] = self.name(container[key])
            for attachment in container.get("attachments", ()):
                attachment["network"] = self.name(attachment["network"])
        for network in changed.get("networks", ()):
            network["name"] = self.name(network["name"])
        Renaming(self.name, self.text).apply(changed)
        return changed

    def _value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, key) for each in value]
        if not isinstance(value, str):
            return value
        if key in NETNS:
            return self.name(value)
        if key in FREE:
            return self._words.free(self._named(value))
        if key in IDS:
            return self._words.ids(value)
        return self.text(value) if key in TEXTS else value


def _names(recording: Json) -> Iterator[tuple[str, str]]:
    """Each name with its kind, containers before the namespaces that are called like them."""
    machines = recording.get("machines", ())
    yield recording.get("hostname", ""), "machine"
    yield from ((machine[key], "machine") for machine in machines for key in ("name", "hostname") if key in machine)
    for container in recording.get("containers", ()):
        yield container.get("name", ""), "container"
        yield container.get("image", ""), "image"
        yield container.get("project", ""), "project"
        yield container.get("service", ""), "service"
        yield container.get("pod", ""), "pod"
        yield from ((attachment.get("network", ""), "network") for attachment in container.get("attachments", ()))
    yield from ((network.get("name", ""), "network") for network in recording.get("networks", ()))
    for netns in recording["namespaces"]:
        yield netns["id"].removeprefix(f"{netns.get('machine', '')}/"), "netns"
    yield from ((label, "name") for label in labels_of(recording))
