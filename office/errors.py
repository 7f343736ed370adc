"""What the office answers when it refuses."""


class OfficeError(Exception):
    """A refusal. Its text says what, where and the remedy; it never names an identifier."""
