"""What is wrong with a document, as one line that says what would be right."""

from __future__ import annotations

from engine.records import dataclass

#: Characters of a problem.
LONGEST = 300


class DocumentError(Exception):
    """A document is wrong. `str()` is `FILE:LINE: what is wrong; what would be right`."""

    def __init__(self, file: str, line: int, problem: str, remedy: str) -> None:
        problem = " ".join(problem.split())  # words of a stranger's file are repeated in it
        if len(problem) > LONGEST:
            problem = f"{problem[: LONGEST // 2]} … {problem[-LONGEST // 2 :]}"
        super().__init__(f"{file}:{line}: {problem}; {remedy}")
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class DocumentKind:
    """What a document is meant to be: the error to raise for it, and what to write instead of something else."""

    error: type[DocumentError]
    remedy: str
