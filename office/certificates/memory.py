"""An authority in memory, under the same contract as those of files and commands; for tests."""

from cryptography.hazmat.primitives.asymmetric import ec

from office.certificates import forms
from office.certificates.file_authority import CALLED, LIFE_MS, FileAuthority


class MemoryAuthority(FileAuthority):
    """Its key is in no file."""

    def __init__(self, now_ms: int, called: str = CALLED) -> None:
        self.key = ec.generate_private_key(forms.CURVE())
        super().__init__(forms.authority_certificate(self.key, called, now_ms, LIFE_MS), self.key)
