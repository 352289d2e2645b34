"""What can be wrong with a lab's file or with what is asked of a lab, as one line that says what would be right."""

from __future__ import annotations

#: Characters of a problem.
LONGEST = 300


class LabError(Exception):
    """What was asked cannot be meant: no such lab, node, service, fault or gallery entry. `str()` is one line."""


class LabFileError(LabError):
    """A lab's file is wrong. `str()` is `FILE:LINE: what is wrong; what would be right`. Nothing was built."""

    def __init__(self, file: str, line: int, problem: str, remedy: str) -> None:
        problem = " ".join(problem.split())  # words of a stranger's file are repeated in it
        if len(problem) > LONGEST:
            problem = f"{problem[: LONGEST // 2]} … {problem[-LONGEST // 2 :]}"
        super().__init__(f"{file}:{line}: {problem}; {remedy}")
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy
