"""The sources that rows refer to."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

_WRITE = """
INSERT INTO sources AS s (id, name, country, language, homepage)
SELECT id, name, country, language, homepage
FROM json_to_recordset(%s) AS n(id text, name text, country text, language text, homepage text)
ORDER BY id
ON CONFLICT (id) DO UPDATE
SET name = EXCLUDED.name, country = EXCLUDED.country, language = EXCLUDED.language, homepage = EXCLUDED.homepage
WHERE (s.name, s.country, s.language, s.homepage)
    IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.country, EXCLUDED.language, EXCLUDED.homepage)
"""


def write(cursor: "Cursor", sources: Iterable[Mapping[str, str | None]]) -> None:
    """Make the rows say what the catalogue says; rows that do already are not written."""
    cursor.execute(_WRITE, (json.dumps(list(sources)),))
