"""Settings of the key encryption key: who holds it. A part of ``Settings``, which has them all."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, SecretStr, model_validator


class KeySettings(BaseModel):
    """Who holds what encrypts the keyrings' keys."""

    kek_source: Literal["file", "environment", "command", "vault"] = "file"
    """Who holds the key that encrypts the keyring's keys (KEK)."""
    kek_dir: Path | None = None
    """Where its file `kek` lies, of source file and vault: apart from the keyring; the state folder
    if none is named."""
    kek_beside_keyring: bool = False
    """Let it lie beside the keyring, where whoever copies one folder has every key: for trying."""
    kek: SecretStr | None = None
    """Of source environment: 32 random bytes in base64."""
    kek_following: SecretStr | None = None
    """Of source environment: the KEK to go over to when the next key is destroyed."""
    kek_command: str | None = None
    """Of source command: the program that holds it; `load`, `add` or `keep ID` follows."""
    vault_address: str | None = None
    """Of source vault: the URL of the Vault whose transit engine wraps the KEK."""
    vault_token: SecretStr | None = None
    """Of source vault: its token; never shown."""
    vault_key: str | None = None
    """Of source vault: the name of the transit key."""
    vault_ca_file: Path | None = None
    """Of source vault: certificates that are trusted for it; the system's if none is named."""

    @model_validator(mode="after")
    def _the_kek_can_be_had(self) -> Self:
        needed = {
            "file": (),
            "environment": ("kek",),
            "command": ("kek_command",),
            "vault": ("vault_address", "vault_token", "vault_key"),
        }[self.kek_source]
        absent = [name for name in needed if getattr(self, name) is None]
        if absent:
            msg = f"kek_source is {self.kek_source}, so give {', '.join(absent)} too"
            raise ValueError(msg)
        return self
