"""Every table of the office, for whoever makes or mends them: those of all modules here."""

from typing import Final

from office.store.erasure_tables import ERASURES
from office.store.event_tables import EVENTS
from office.store.hold_tables import HOLDS
from office.store.tables import DEVICES, OFFICE

ONE_OF_EACH: Final = (DEVICES, EVENTS, ERASURES, HOLDS)
"""A table of each module: with it come the module's others."""
EVERY_TABLE: Final = OFFICE
