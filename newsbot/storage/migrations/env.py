"""How Alembic runs the migrations: on the connection that `newsbot.storage.upgrade` hands over."""

from alembic import context

from newsbot.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
