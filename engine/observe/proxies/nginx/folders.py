"""Where the files of an nginx location are, and which of those that the configuration names are there.

A location's folder is that of `root`, its own or an outer block's; with `alias` a file's path is made otherwise, and
nothing is said of it. Looked at are the files that nginx goes to by itself: those of `index`, and where `try_files` and
`rewrite` lead to.
Source: nginx.org/en/docs/http/ngx_http_core_module.html (root, alias, try_files), ngx_http_index_module.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.application.web_paths import Folder
from engine.observe.proxies.nginx.syntax import Directive
from engine.observe.proxies.root_files import Exists
from engine.records import dataclass, replace

#: So many files are looked for in one folder.
MOST_FILES = 24
USUAL_INDEX = ("index.html",)
#: What is asked for by its name, whether the configuration has it or not.
OFTEN = ("index.html", "index.php")


@dataclass(frozen=True, slots=True)
class FolderScope:
    """What holds where a directive stands: the folder ("" for nginx's own, a relative one), names of index files,
    whether lists are made, and whether files are another place's (`alias`). `named` are the paths looked for."""

    exists: Exists | None = None
    home: str = ""
    root: str = "html"
    index: tuple[str, ...] = USUAL_INDEX
    lists: bool = False
    alias: bool = False
    named: tuple[str, ...] = ()

    def within(self, block: Directive) -> FolderScope:
        """The same with what a block says."""
        root, index, lists = block.first("root"), block.first("index"), block.first("autoindex")
        alias = block.first("alias") is not None
        found = replace(self, alias=alias or (self.alias and root is None))
        if root is not None and root.words:
            found = replace(found, root=root.words[0])
        if index is not None and index.words:
            found = replace(found, index=index.words)
        return replace(found, lists=lists.words == ("on",)) if lists is not None else found

    def naming(self, block: Directive) -> FolderScope:
        """The same, that looks for the paths that a server block leads to by itself."""
        return replace(self, named=tuple(dict.fromkeys(_named(block))))

    def folder(self) -> Folder | None:
        """The folder; None where it cannot be known."""
        if self.exists is None or self.alias or "$" in self.root:
            return None
        path = self.root if self.root.startswith("/") else f"{self.home}/{self.root}"
        path = path.rstrip("/") or "/"
        index = tuple(name for name in self.index if "$" not in name)
        if not self.exists(path):
            return Folder(path, False, index, (), (), self.lists)
        wanted = dict.fromkeys((*(f"/{name.lstrip('/')}" for name in (*index, *OFTEN)), *self.named))
        looked = {each: self.exists(f"{path}{each}") for each in list(wanted)[:MOST_FILES]}
        there = tuple(each for each, found in looked.items() if found)
        return Folder(path, True, index, there, tuple(each for each in looked if each not in there), self.lists)


#: Of a configuration alone nothing is known of files.
NOWHERE = FolderScope()


def _named(block: Directive) -> Iterator[str]:
    """The plain paths that `try_files` and `rewrite` lead to, in a block and those within it."""
    for each in block.block or ():
        if each.name in ("try_files", "rewrite", "index") and each.words:
            words = each.words if each.name != "rewrite" else each.words[1:2]
            for word in words:
                path = word.partition("?")[0]
                path = f"/{path}" if each.name == "index" and not path.startswith("/") else path
                if path.startswith("/") and "$" not in path and not path.endswith("/"):
                    yield path
        yield from _named(each)
