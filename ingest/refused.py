"""The one error for input that cannot be taken as it is."""


class Refused(Exception):  # noqa: N818  # describes the input, as in "Refused: needs the extra mf4"
    """One sentence for the person at the keyboard: what is wrong and what to do.

    It never quotes a payload or an identifier of the input.
    """
