"""The office's table of collection lists: what each device is to collect, as it was last signed.

All of it can be made anew of the registry and the policy. Times are integer milliseconds UTC.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from office.store.tables import OFFICE

COLLECTION_LISTS: Final = Table(
    "collection_lists",
    OFFICE,
    Column("row", String, primary_key=True),
    Column("device", String, nullable=False, unique=True),
    # The link that held when it was made; NULL: none did.
    Column("link", String),
    # A digest of what it says, but for its number and its instants.
    Column("says", LargeBinary, nullable=False),
    Column("serial", BigInteger, nullable=False),
    # When it is to be made anew, whatever happens.
    Column("due_ms", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("collection_lists_by_due", "due_ms"),
    Index("collection_lists_by_link", "link"),
)
