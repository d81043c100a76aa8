"""The Scrapyd processes that share the database, and how far off their clocks are."""

import time
from typing import TYPE_CHECKING

from newsbot.job import Node

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

KEPT = 86_400  # seconds that a silent node is still shown


def beat(cursor: "Cursor", node: Node) -> None:
    """Record that the node lives, and measure its `clock_offset`."""
    asked = time.time()
    cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
    node.clock_offset = (asked + time.time()) / 2 - cursor.fetchone()[0]
    cursor.execute(
        """
        INSERT INTO nodes (name, machine, pid, birth, slots, clock_offset) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (name) DO UPDATE SET machine = excluded.machine, pid = excluded.pid, birth = excluded.birth,
            slots = excluded.slots, clock_offset = excluded.clock_offset, heartbeat_at = now()
        """,
        (node.name, node.machine, node.pid, node.birth, node.slots, node.clock_offset),
    )


def known(cursor: "Cursor") -> dict[str, Node]:
    """All nodes by name."""
    cursor.execute(
        "SELECT name, machine, pid, birth, slots, clock_offset, extract(epoch FROM now() - heartbeat_at)::real"
        " FROM nodes ORDER BY name"
    )
    return {row[0]: Node(*row) for row in cursor}


def leave(cursor: "Cursor", name: str) -> None:
    """Remove a node that stops in order; also removes nodes that were silent for a day."""
    cursor.execute(
        "DELETE FROM nodes WHERE name = %s OR heartbeat_at < now() - make_interval(secs => %s)", (name, KEPT)
    )
