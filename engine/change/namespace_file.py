"""Files of /etc that a named namespace has of its own: `ip netns exec` puts them in the place of the host's
(ip-netns(8))."""

from __future__ import annotations

from shlex import quote

from engine.model.file_name import is_file_name
from engine.model.host import Snapshot
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass

NETNS_FILES = "/etc/netns"


@dataclass(frozen=True, slots=True)
class WriteNetnsFile(Change):
    """Writes a file of a namespace; `name` is its path below /etc. A text that is None removes it.

    Raises ValueError for a name that leads elsewhere.
    """

    netns: str
    name: str
    text: str | None

    def __post_init__(self) -> None:
        if not all(map(is_file_name, (self.netns, *self.name.split("/")))):
            raise ValueError(f"{self.name!r} is no file below {NETNS_FILES}/{self.netns}")

    @property
    def path(self) -> str:
        """Where the file is."""
        return f"{NETNS_FILES}/{self.netns}/{self.name}"

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a file is where it is
        """`rm`, or a shell that gives `install -D` the text."""
        if self.text is None:
            return (("rm", "-f", self.path),)
        return (("sh", "-c", self.here_document),)

    @property
    def here_document(self) -> str:
        """The command and its input, as the shell takes them."""
        if self.text is None:
            return f"rm -f {quote(self.path)}"
        return f"install -D -m 644 /dev/stdin {quote(self.path)} <<'END'\n{self.text.rstrip()}\nEND"

    def holds(self, snapshot: Snapshot) -> bool:  # noqa: ARG002
        """A snapshot does not show such files whole: one is written when its namespace or its text is new."""
        return True
