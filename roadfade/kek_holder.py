"""Who holds the key encryption key, by the settings; and that it lies apart from the keyring.

In: settings. Out: a ``KekHolder`` of the office's, or a refusal: whoever finds keyring and KEK in
one folder has every key.
"""

import shlex
from pathlib import Path
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
            return _vault(settings, settings.kek_file)
        case other:
            assert_never(other)


def raw_kek_holder(settings: Settings) -> KekHolder:
    """Who holds the KEK of sealed raw data, which changes several times a day.

    A Vault if that is the source; else a file, whatever the source: nobody gives a new one that
    often.
    """
    if settings.kek_source == "vault":
        return _vault(settings, settings.raw_kek_file)
    return FileKek(settings.raw_kek_file)


def _vault(settings: Settings, file: Path) -> VaultKek:
    token = settings.vault_token
    return VaultKek(
        settings.vault_address or "",
        "" if token is None else token.get_secret_value(),
        settings.vault_key or "",
        file,
        settings.vault_ca_file,
    )


def require_kek_apart(settings: Settings) -> None:
    """NotReady if a KEK lies in the folder of its keyring, and nobody said that it may."""
    keks, keyrings = settings.raw_kek_file.parent.resolve(), settings.state_dir.resolve()
    # One within the other is copied with it.
    beside = keks.is_relative_to(keyrings) or keyrings.is_relative_to(keks)
    # A Vault's lie there wrapped.
    if settings.kek_source == "vault" or not beside or settings.kek_beside_keyring:
        return
    msg = (
        f"key encryption keys lie beside the keyrings, in or about {settings.state_dir}: whoever "
        "copies that folder has every key. Name another folder for them (ROADFADE_KEK_DIR) and "
        "move the files `kek` and `raw-kek` there, if there are any; have a Vault wrap them "
        "(ROADFADE_KEK_SOURCE=vault); or, on a machine where nothing matters, set "
        "ROADFADE_KEK_BESIDE_KEYRING=true"
    )
    raise NotReady(msg)


def has_kek(settings: Settings) -> bool:
    """Whether a KEK can be had now."""
    try:
        return bool(kek_holder(settings).load())
    except OfficeError:
        return False
