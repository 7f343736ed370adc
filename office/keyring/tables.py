"""The keyring's tables, in a database file of their own."""

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

KEYRING: Final = MetaData()

KEYS: Final = Table(
    "keys",
    KEYRING,
    Column("purpose", String, primary_key=True),
    Column("recipient", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("kek", String),
    Column("nonce", LargeBinary),
    Column("wrapped", LargeBinary),
)
"""One row per (purpose, recipient, epoch); all three last columns NULL: destroyed."""

CURRENT: Final = Table(
    "current",
    KEYRING,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("kek", String, nullable=False),
)
"""One row: the id of the KEK under which every live key is wrapped."""
