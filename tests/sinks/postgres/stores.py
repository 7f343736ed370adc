"""Stores in PostgreSQL for tests: opened, asked from beside, and removed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo

from sinks.port.allowed import Judge
from sinks.postgres.connection import Database
from sinks.postgres.names import role_of
from sinks.postgres.sink import PostgresSettings, PostgresSink
from sinks.postgres.steps import Hook, go_on
from tests.sinks.records import OUTPUTS

SETTINGS = PostgresSettings(buckets=2)


def quiet(_done: int, _total: int) -> None:
    """Show no bar."""


Session = psycopg.Connection[tuple[Any, ...]]
Reading = Callable[[str], Session]


@contextmanager
def readers(database: Database) -> Iterator[Reading]:
    """Opens sessions of one role, who is let read an output, and has begun to."""
    opened: list[Session] = []
    login = f"{database.schema}_read_login"
    dsn = conninfo.make_conninfo(database.dsn, user=login, password="x")

    def open_one(output: str) -> Session:
        if not opened:
            done(database, f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
        done(database, f'GRANT "{role_of(database.schema, output)}" TO {login}')
        session = psycopg.connect(dsn)
        opened.append(session)
        session.execute(f'TABLE {database.schema}."{output}"'.encode())
        return session

    yield open_one
    for session in opened:
        session.close()


@contextmanager
def dropped(dsn: str, schema: str) -> Iterator[Database]:
    """A schema that goes in the end, with its roles."""
    yield Database(dsn, schema)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        roles = "SELECT rolname FROM pg_roles WHERE rolname LIKE %s"
        for (role,) in admin.execute(roles, (f"{schema}\\_read\\_%",)).fetchall():
            admin.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"'.encode())


def open_sink(
    database: Database,
    settings: PostgresSettings = SETTINGS,
    at: Hook = go_on,
    judge: Judge | None = None,
    wait_s: float = 5.0,
) -> PostgresSink:
    return PostgresSink(database, OUTPUTS, settings, at=at, judge=judge, wait_s=wait_s)


@contextmanager
def sink_in(database: Database, settings: PostgresSettings = SETTINGS) -> Iterator[PostgresSink]:
    sink = open_sink(database, settings)
    try:
        yield sink
    finally:
        sink.close()


def asked(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a statement in the store's schema."""
    with database.connect("test") as connection:
        return connection.execute(statement.encode(), values or None).fetchall()


def done(database: Database, *statements: str) -> None:
    """Carry statements out in the store's schema, each by itself."""
    with database.connect("test") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def tables(database: Database) -> list[str]:
    """Every table of the store's."""
    found = asked(
        database,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = current_schema()::regnamespace ORDER BY 1",
    )
    return [name for (name,) in found]
