"""What can be wrong with a lab's file or with what is asked of a lab, as one line that says what would be right."""

from __future__ import annotations

from engine.documents.errors import DocumentError, DocumentKind


class LabError(Exception):
    """What was asked cannot be meant: no such lab, node, service, fault or gallery entry. `str()` is one line."""


class LabFileError(DocumentError, LabError):
    """A lab's file is wrong. `str()` is `FILE:LINE: what is wrong; what would be right`. Nothing was built."""


COMPOSE = DocumentKind(LabFileError, "write a Compose file: services: and networks:")
