"""Names that become one part of a path: of namespaces, devices, labs. They come from files and hosts of strangers."""

from __future__ import annotations


def is_file_name(text: str) -> bool:
    """Whether a text names something in a folder, and nothing outside of it."""
    return text not in ("", ".", "..") and not {"/", "\0", "\n"} & {*text}
