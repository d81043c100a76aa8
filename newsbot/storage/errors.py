"""Why the database cannot be used."""


class DatabaseError(Exception):
    """The database cannot be used. The message is one line and never shows a password."""

    lost = False  # whether it is worth waiting for


class URLError(DatabaseError):
    """`DATABASE_URL` is not the address of a Postgres database."""


class UnreachableError(DatabaseError):
    """No server answers, or it takes no connection for now."""

    lost = True


class AuthenticationError(DatabaseError):
    """The server does not let this user in."""


class MissingDatabaseError(DatabaseError):
    """The server has no database of this name."""


class TLSError(DatabaseError):
    """The two sides do not agree on encryption, or a certificate is not valid."""


class UnsuitableError(DatabaseError):
    """The database answers, but newsbot cannot store in it: too old, read-only, or not in UTF-8."""
