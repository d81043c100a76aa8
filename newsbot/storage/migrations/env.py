"""How Alembic runs the migrations: on the connection of `newsbot.storage.upgrade`, or as SQL to be printed."""

from alembic import context

from newsbot.storage.tables import metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, transactional_ddl=False)
else:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
