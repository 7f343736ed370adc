"""Who holds the key encryption key, by the settings; and that it lies apart from the keyring.

In: settings. Out: a ``KekHolder`` of the office's, or a refusal: whoever finds keyring and KEK in
one folder has every key.
"""

import shlex
from typing import assert_never

from office.errors import OfficeError
from office.keyring.command_kek import CommandKek
from office.keyring.kek import EnvironmentKek, FileKek, KekHolder
from office.keyring.vault_kek import VaultKek
from roadfade.refusal import NotReady
from roadfade.settings import Settings


def kek_holder(settings: Settings) -> KekHolder:
    """The holder that ``kek_source`` names; OfficeError if what it needs is not as it must be."""
    match settings.kek_source:
        case "file":
            return FileKek(settings.kek_file)
        case "environment":
            following = settings.kek_following
            return EnvironmentKek(
                "" if settings.kek is None else settings.kek.get_secret_value(),
                None if following is None else following.get_secret_value(),
            )
        case "command":
            return CommandKek(shlex.split(settings.kek_command or ""))
        case "vault":
            token = settings.vault_token
            return VaultKek(
                settings.vault_address or "",
                "" if token is None else token.get_secret_value(),
                settings.vault_key or "",
                settings.kek_file,
                settings.vault_ca_file,
            )
        case other:
            assert_never(other)


def require_kek_apart(settings: Settings) -> None:
    """NotReady if the KEK lies in the folder of the keyring, and nobody said that it may."""
    beside = settings.kek_file.parent.resolve() == settings.keyring_path.parent.resolve()
    if settings.kek_source != "file" or not beside or settings.kek_beside_keyring:
        return
    msg = (
        f"the key encryption key lies beside the keyring, in {settings.state_dir}: whoever copies "
        "that folder has every key. Move the file `kek` to a folder of its own and name that "
        "(ROADFADE_KEK_DIR), take it from elsewhere (ROADFADE_KEK_SOURCE), or, on a machine where "
        "nothing matters, set ROADFADE_KEK_BESIDE_KEYRING=true"
    )
    raise NotReady(msg)


def has_kek(settings: Settings) -> bool:
    """Whether a KEK can be had now."""
    try:
        return bool(kek_holder(settings).load())
    except OfficeError:
        return False
