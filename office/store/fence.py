"""A fence against programs that look at nothing they open: all versions before ``newer``.

Their office takes rows off the topics that its registry does not know, such as restrictions, and
readings that those withhold would be delivered. Whatever leaves the office stands in the outbox
first; so a trigger there calls a function that connections have from us alone. Without it SQLite
refuses to write the row, and says the function's name.
"""

from typing import Any, Final

KNOWN: Final = "this_office_belongs_to_a_newer_roadfade_restore_a_backup_to_go_back"
FENCE: Final = (
    f"CREATE TRIGGER IF NOT EXISTS fence BEFORE INSERT ON outbox BEGIN SELECT {KNOWN}(); END"
)


def admit(connection: Any) -> None:
    """Let a new connection, of any driver, through."""
    connection.create_function(KNOWN, 0, _nothing)


def _nothing() -> None:
    return None
