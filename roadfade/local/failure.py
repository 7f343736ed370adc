"""The one way in which a local process fails: a sentence that says what to do."""


class LocalError(Exception):
    """A local process is missing or did not start. The message tells the person what to do."""
