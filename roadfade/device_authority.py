"""Who signs for devices, by the settings.

In: settings. Out: an ``Authority`` of the office's, or a refusal that says what lacks.
"""

import shlex

from office.certificates.authority import Authority
from office.certificates.command_authority import CommandAuthority
from office.certificates.file_authority import FileAuthority, read_certificate
from office.errors import OfficeError
from roadfade.settings import Settings


def has_authority(settings: Settings) -> bool:
    """Whether devices get certificates here. Blocks."""
    return settings.ca_file.is_file()


def authority_of(settings: Settings) -> Authority:
    """The authority that the settings name; OfficeError if it cannot be had. Blocks."""
    if settings.device_ca_command is None:
        password = settings.device_ca_password
        return FileAuthority.opened(
            settings.ca_dir, None if password is None else password.get_secret_value()
        )
    try:
        certificate = read_certificate(settings.ca_file)
    except OSError as error:
        msg = (
            f"{settings.ca_file} cannot be read ({error.strerror}): put the certificate there by "
            "which everybody checks what the command signs"
        )
        raise OfficeError(msg) from None
    return CommandAuthority(shlex.split(settings.device_ca_command), certificate)
