"""Every table of the office, for whoever makes or mends them: those of all modules here."""

from typing import Final

from office.store.certificate_tables import CERTIFICATES
from office.store.collection_tables import COLLECTION_LISTS
from office.store.erasure_tables import ERASURES
from office.store.event_tables import EVENTS
from office.store.hold_tables import HOLDS
from office.store.sealing_tables import SEALING_KEYS
from office.store.tables import DEVICES, OFFICE

ONE_OF_EACH: Final = (
    DEVICES, EVENTS, ERASURES, HOLDS, SEALING_KEYS, CERTIFICATES, COLLECTION_LISTS,
)  # fmt: skip
"""A table of each module: with it come the module's others."""
EVERY_TABLE: Final = OFFICE
KNOWN_COLUMNS: Final = frozenset(
    f"{table.name}.{column.name}" for table in EVERY_TABLE.sorted_tables for column in table.columns
)
"""``table.column``; a file with another one is a newer program's. What a later version no longer
has must stay known here, or files of before it could not be opened."""
