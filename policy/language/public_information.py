"""What a business tells people beside its purposes: requests, security measures, complaints.

APPI Art. 32(1) and the Order's Art. 10 have it made known; the Order's Art. 12 and the Act's
Art. 38 say what the way of a request has to settle. It is people's to do, and the notice shows it.
"""

from typing import Annotated, Final

from pydantic import Field

from policy.language.fields import Citations, Strict
from policy.vocabulary.bilingual import Bilingual

_EXAMPLE: Final = "{ja: 手数料はいただきません。, en: We charge no fee.}"
Said = Annotated[Bilingual, Field(examples=[_EXAMPLE])]
"""A sentence or two in both languages."""


class Requests(Strict):
    """How people ask to be told, to see, to correct, to stop or to erase."""

    where: Said
    """To whom a request goes, and by which way."""
    form: Said
    """What has to be written, and on which form."""
    identity: Said
    """How it is checked who asks."""
    agent: Said
    """Who may ask for somebody else, and what shows that."""
    fee: Said
    """What it costs and how that is paid; also that it costs nothing."""
    answer: Said
    """How and by when the answer comes."""
    cites: Citations


class Security(Strict):
    """What people do to keep data safe. What the program does is told from the plan instead."""

    rules: Said
    organisation: Said
    people: Said
    premises: Said
    abroad: Said
    """In which countries data is handled, and what is known of their law."""
    cites: Citations


class Complaints(Strict):
    """Where complaints go."""

    desk: Said
    organisation: Bilingual | None = None
    """The accredited organisation that the business belongs to, and where that takes complaints."""
    cites: Citations


class PublicInformation(Strict):
    """All of it; a profile may ask for it (``public_information``)."""

    requests: Requests
    security: Security
    complaints: Complaints
