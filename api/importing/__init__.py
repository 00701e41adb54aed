"""From rows of tables to the statements that make the log say the same: pure, without a server.

1. ``tables.read`` turns rows into wanted statements. Ids are UUIDv5 of the enterprise and the row's
   own code, so the same file always speaks of the same things. Rows that belong to one statement
   (the lines of a recipe, say) are gathered; lists longer than ``gathering.LINES_PER_PART`` become
   several parts.
2. ``planning.plan`` compares them with what stands, and says for each whether it is new, changes
   something, or is said already.

Readings of meters, sets of factors and systems of indicators come in tables of their own
(``readings``, ``factor_tables``, ``indicator_tables``).

What is wrong with a row is a ``wanted.Problem`` that names sheet, row and column. Whether the log
will take a statement is for the log to say.
"""
