"""The office's table of sealing keys: the public keys that front doors are offered now.

A row goes when its period is over. Private keys are in no database of the office.
"""

from typing import Final

from sqlalchemy import Column, LargeBinary, String, Table

from office.store.tables import OFFICE

SEALING_KEYS: Final = Table(
    "sealing_keys",
    OFFICE,
    Column("row", String, primary_key=True),
    # As it is published.
    Column("value", LargeBinary, nullable=False),
)
