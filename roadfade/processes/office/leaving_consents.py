"""Where consents go that leave the register: the officers' file, as the settings name it.

In: the settings, the office's database. Out: the way there, for the office's process alone.
"""

from office.consent_evidence.officers_file import OfficersFile
from office.erasure.consent_moves import ConsentMoves
from office.store.database import Database
from roadfade.settings import Settings


def leaving_consents(settings: Settings, database: Database) -> ConsentMoves:
    """The way of consents out of the register, into the officers' file."""
    where, rows_max = settings.consent_evidence_path, settings.consent_evidence_rows_max
    return ConsentMoves(database, OfficersFile(where, rows_max))
