"""All schemas by name: `portscope schema` prints them, `docs/schemas` has them as files."""

from __future__ import annotations

from views.schemas import answers, fleets, hosts, labs, past
from views.schemas.form import Published

ALL: tuple[Published, ...] = (
    *answers.DOCUMENTS,
    *past.DOCUMENTS,
    *hosts.DOCUMENTS,
    *labs.DOCUMENTS,
    *fleets.DOCUMENTS,
)
BY_NAME = {each.name: each for each in ALL}
"""Each has its name and version in its `schema` key, but for rows and labs."""
