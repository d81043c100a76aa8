"""The role that runs SQL from outside on the embedded server: it reads newsbot's tables and does nothing else.

It logs in directly. A session that came as another role and took this one by SET ROLE could go back within a
statement. On any other server nothing is made: its owner decides which roles exist.
"""

# ruff: noqa: S608  the statements take constants only

from typing import TYPE_CHECKING

from newsbot.storage.upgrade import LOCK

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

ROLE = "newsbot_reader"

# Functions that every role may call by default although they do more than read: a lock that newsbot waits for, a
# message to its listeners, an entry in the log that is kept for replication.
_EFFECTS = r"^pg_(try_)?advisory_|^pg_notify$|^pg_logical_emit_message$"

# Whether the role exists, with all the rights it needs and no more: it may lack tables made by an older version.
_IS_READY = f"""
SELECT rolcanlogin AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    AND NOT has_database_privilege(role.oid, current_database(), 'TEMPORARY')
    AND NOT has_schema_privilege(role.oid, 'public', 'CREATE')
    AND NOT EXISTS (SELECT FROM pg_proc AS f
        WHERE proname ~ '{_EFFECTS}' AND has_function_privilege(role.oid, f.oid, 'EXECUTE'))
    AND NOT EXISTS (SELECT FROM pg_class AS t WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm') AND NOT has_table_privilege(role.oid, t.oid, 'SELECT'))
FROM pg_roles AS role WHERE rolname = '{ROLE}'
"""
_MAKE = f"""
DO $$
DECLARE
    function regprocedure;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE};
    END IF;
    ALTER ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    ALTER ROLE {ROLE} SET default_transaction_read_only = on;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    FOR function IN SELECT oid FROM pg_proc WHERE proname ~ '{_EFFECTS}' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO {ROLE};
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {ROLE};
END $$
"""


def ensure(connection: "Connection") -> None:
    """Make the role, unless it exists as it should be. `connection` is a superuser's; leaves no transaction open."""
    with connection, connection.cursor() as cursor:
        if _is_ready(cursor):
            return
        # Waits for an upgrade that makes tables now: they would neither exist yet nor get the new defaults.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if not _is_ready(cursor):
            cursor.execute(_MAKE)


def _is_ready(cursor: "Cursor") -> bool:
    cursor.execute(_IS_READY)
    row = cursor.fetchone()
    return bool(row and row[0])
