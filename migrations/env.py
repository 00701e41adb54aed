"""Run by Alembic for every command; the caller has opened the transaction."""

from alembic import context

from migrations import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
