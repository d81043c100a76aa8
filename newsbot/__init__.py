"""News and web data, collected into Postgres."""
