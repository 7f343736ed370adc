"""What the office answers when it refuses."""


class OfficeError(Exception):
    """A refusal. Its text says what, where and the remedy; it never names an identifier."""


class NotNowError(OfficeError):
    """A refusal that passes: what hinders it is outside, as a full disk. Asking again is right."""


class CannotFollowError(OfficeError):
    """A version that cannot follow what is on record: which key of its document has to change."""

    def __init__(self, message: str, key: str, purpose: str | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.purpose = purpose
        """Whose page the key is in; None: policy.yaml."""
