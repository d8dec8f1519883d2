"""Copies a prepared schema: tables, rows, identities, constraints and indexes, with all their names and options.

Django's migrations take a second or more per schema; this takes some hundredths. django-tenants' own CloneSchema is not
used: it re-creates shared types and functions in the public schema on each call, which concurrent creations trip over.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

_KNOWN_KINDS = ("r", "i", "S", "t")

_UNSUPPORTED = """
SELECT 'relation ' || relname FROM pg_class
 WHERE relnamespace = %(source)s::regnamespace
   AND (relkind <> ALL (%(kinds)s) OR relpersistence <> 'p' OR relrowsecurity)
UNION ALL
SELECT 'sequence ' || relname FROM pg_class s
 WHERE relnamespace = %(source)s::regnamespace AND relkind = 'S'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = s.oid AND d.deptype = 'i')
UNION ALL
SELECT 'trigger ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
 WHERE relnamespace = %(source)s::regnamespace AND NOT tgisinternal
UNION ALL
SELECT 'rule ' || rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class
 WHERE relnamespace = %(source)s::regnamespace
UNION ALL
SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = %(source)s::regnamespace
UNION ALL
SELECT 'type ' || typname FROM pg_type WHERE typnamespace = %(source)s::regnamespace AND typtype IN ('e', 'd', 'r')
UNION ALL
SELECT 'statistics ' || stxname FROM pg_statistic_ext WHERE stxnamespace = %(source)s::regnamespace
"""

# Run with the source alone on the search path, so that definitions name its own relations without a schema.
_STATEMENTS = """
WITH tables AS (
    SELECT oid, relname, reloptions, obj_description(oid, 'pg_class') AS comment
      FROM pg_class WHERE relnamespace = %(source)s::regnamespace AND relkind = 'r'
), columns AS (
    SELECT t.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS names
      FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY t.relname
)
SELECT 1 AS step, relname AS name, format('CREATE TABLE %%I (LIKE %%I.%%I INCLUDING ALL EXCLUDING INDEXES)%%s', relname,
       %(source)s::text, relname, ' WITH (' || array_to_string(reloptions, ', ') || ')') AS statement FROM tables
UNION ALL
SELECT 2, relname, format('COMMENT ON TABLE %%I IS %%L', relname, comment) FROM tables WHERE comment IS NOT NULL
UNION ALL
SELECT 3, relname, format('INSERT INTO %%I (%%s) OVERRIDING SYSTEM VALUE SELECT %%s FROM %%I.%%I', relname, names,
       names, %(source)s::text, relname) FROM columns
UNION ALL
SELECT 4, relname, format('SELECT setval(%%L, last_value, is_called) FROM %%I.%%I', quote_ident(relname),
       %(source)s::text, relname) FROM pg_class WHERE relnamespace = %(source)s::regnamespace AND relkind = 'S'
UNION ALL
SELECT CASE contype WHEN 'f' THEN 7 ELSE 5 END, conname,
       format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', t.relname, conname, pg_get_constraintdef(c.oid))
  FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid WHERE contype IN ('p', 'u', 'x', 'f')
UNION ALL
SELECT 6, t.relname, pg_get_indexdef(i.indexrelid, 0, true) FROM pg_index i JOIN tables t ON t.oid = i.indrelid
 WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
ORDER BY step, name, statement
"""


class NotCloneable(RuntimeError):
    """The source schema holds what is not copied. A migration made it, and this module must learn it first."""


def clone_schema(source: str, target: str) -> None:
    """Makes the schema `target` an exact copy of `source`, or nothing at all.

    Raises NotCloneable naming what cannot be copied. Both names must have passed `tenancy.checked_schema_name`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_UNSUPPORTED, {"source": source, "kinds": list(_KNOWN_KINDS)})
        if surplus := [row[0] for row in cursor.fetchall()]:
            raise NotCloneable(f"The schema {source} holds what a clone would lack: {', '.join(surplus)}.")
        statements = _statements(cursor, source)
        cursor.execute(f'CREATE SCHEMA "{target}"')
        cursor.execute(f'SET LOCAL search_path = "{target}"')
        cursor.execute(";\n".join(statements))


def _statements(cursor: Any, source: str) -> list[str]:
    cursor.execute(f'SET LOCAL search_path = "{source}"')
    cursor.execute(_STATEMENTS, {"source": source})
    return [row[2] for row in cursor.fetchall()]


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [f'"{name}"'])
        return bool(cursor.fetchone()[0])


def drop_schema(name: str) -> None:
    """Drops the schema and all its data, where it exists."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
