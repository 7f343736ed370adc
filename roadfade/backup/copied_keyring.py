"""A backup's keyring: whether today's is a later state of it, and what lies under its keys.

In: keyring files, the KEK, secrets of links. Out: pseudonyms, or why nobody could be found.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from office.errors import OfficeError
from office.keyring import tables as keyring_tables
from office.keyring.kek import KekHolder
from office.keyring.keyring import Keyring
from roadfade.backup.schemas import KEYRING
from roadfade.refusal import Refusal
from telemetry.identity import LinkSecret, Pseudonym
from telemetry.keyed_hashes import pseudonym

UNSAID: Final = (
    "this backup does not say of which installation its keyring is: that the one in the state "
    "folder is a later state of it was seen by its keys alone"
)


def require_key(copied: Path, keyring: Path, kek: KekHolder) -> str | None:
    """Refusal if nobody whose rows are restored could be found in them; a warning, or None."""
    if not copied.is_file():
        return None
    if keyring.is_file():
        its, mine = _installation(copied), _installation(keyring)
        if its not in (None, mine) or not _is_later(_keys_in(copied), _keys_in(keyring)):
            msg = (
                "the keyring in the state folder is not the one that was copied, nor a later state "
                "of it: move it away, or name the backup of this installation"
            )
            raise Refusal(msg)
        return UNSAID if its is None else None
    with closing(sqlite3.connect(copied)) as connection:
        row = connection.execute(keyring_tables.CURRENT).fetchone()
    if row is not None and row[0] not in kek.load():
        msg = (
            "the key encryption key in the state folder is not the one under which the keys of "
            "this backup lie, so that nobody's rows could be found. It changes whenever a key is "
            "destroyed: name newer keys (--keys), or put back the keyring or that key"
        )
        raise Refusal(msg)
    return None


def _installation(file: Path) -> str | None:
    """Of which installation a keyring is; None: it was not opened since that is said."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("installation",) not in tables:
            return None
        row = connection.execute(keyring_tables.INSTALLATION).fetchone()
    return None if row is None else str(row[0])


_Held = dict[tuple[str, str, str], tuple[str, bytes] | None]
"""Keys by name, each as the KEK it lies under and its wrapped bytes; None: it is destroyed."""


def _keys_in(file: Path) -> _Held:
    with closing(sqlite3.connect(file)) as connection:
        live = {
            (p, r, e): (k, w) for p, r, e, k, _, w in connection.execute(keyring_tables.FIND_LIVE)
        }
        return {
            (p, r, e): live.get((p, r, e))
            for p, r, e, _ in connection.execute(keyring_tables.FIND_STATES)
        }


def _is_later(before: _Held, now: _Held) -> bool:
    """Whether one keyring can have become the other. Names alone are alike in two installations.

    A key that lies under the same KEK has the same bytes; and the KEK changes only if a key is
    destroyed.
    """
    if before.keys() - now.keys():
        return False
    destroyed_since = any(
        held is None and before.get(name, ("", b"")) for name, held in now.items()
    )
    for name, held in before.items():
        later = now[name]
        if held is None or later is None:
            if later is not None:
                return False  # a destroyed key is never made again
        elif held[0] == later[0]:
            if held != later:
                return False
        elif not destroyed_since:
            return False
    return True


def pseudonyms_of(
    secrets: Sequence[LinkSecret], keyrings: Sequence[Path], kek: KekHolder
) -> frozenset[Pseudonym]:
    """Under what rows of these links may lie: by every key, whatever the policy says of it."""
    if not secrets:
        return frozenset()
    file = next((one for one in keyrings if one.is_file()), None)
    if file is None:
        msg = (
            "somebody asked to be erased whose rows are in this backup, and there is no keyring to "
            f"find them by: put {KEYRING} into the state folder"
        )
        raise Refusal(msg)
    # Not ``open``: that would finish a destruction, and the KEK is today's.
    keyring = Keyring(file, kek)
    try:
        whose = {(purpose, recipient) for purpose, recipient, _ in keyring.states()}
        keys = [key for who in whose for key in keyring.epochs(*who).values() if key is not None]
    except OfficeError as error:
        raise Refusal(str(error)) from None
    finally:
        keyring.close()
    return frozenset(pseudonym(key, secret) for key in keys for secret in secrets)
