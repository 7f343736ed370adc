"""The zone of a document: where its days begin, on whatever machine it is read."""

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.vocabulary.words import WordError, text

ZONE: Final = (
    r"^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)"
    r"(/[A-Za-z0-9_+-]+)+)$"
)
"""Names by place. Other names of zone files are the machine's own (``localtime``), or count
leap seconds (``right/Asia/Tokyo``)."""


def zone(value: object) -> ZoneInfo:
    """``Asia/Tokyo``: a zone by its name in the IANA database; WordError if there is none."""
    name = text(value)
    if re.match(ZONE, name):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
            pass
    message = "no zone of the IANA database has this name"
    raise WordError(message, "write its area and place, as `Asia/Tokyo`, or `UTC`")
