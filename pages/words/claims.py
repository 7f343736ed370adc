"""Which fixed sentences of a page claim that the program does something, and what.

A page asks here for each phrase that it shows. A sentence whose capability the program does not
have is marked "not yet" wherever it stands: no template decides that by itself. A test holds this
table against every phrase of the catalogues.
"""

from collections.abc import Mapping
from typing import Final

from policy.vocabulary.capabilities import Capability

CLAIMS: Final[Mapping[str, Capability]] = {
    "%(who)s: pseudonyms keyed for this recipient alone, changed every %(period)s": (
        Capability.PSEUDONYMS
    ),
    "Data from the car that is not named here is not used.": Capability.ADMISSION,
    "Kept at most": Capability.EXPIRY,
    "Never given to %(who)s: %(what)s": Capability.ADMISSION,
    "Not used for this: %(what)s": Capability.ADMISSION,
    "Not used of %(people)s: %(data)s": Capability.ADMISSION,
    "Not used: %(what)s": Capability.ADMISSION,
    "Nothing at all is given to: %(who)s.": Capability.ADMISSION,
    "Nothing is used for this purpose.": Capability.ADMISSION,
    "Nothing is used.": Capability.ADMISSION,
    (
        "What streams from your car is erased after %(period)s at most; all else has the period of "
        "its line below."
    ): Capability.EXPIRY,
    "The ground “your consent” means that you can refuse, and take it back at any time.": (
        Capability.CONSENT
    ),
    (
        "This purpose is suspended: nothing new is taken in for it. What is kept already ends as "
        "stated here."
    ): Capability.ADMISSION,
    (
        "You can refuse, and take your consent back at any time. From then on our systems pass "
        "nothing more on; what is kept already ends as stated above."
    ): Capability.CONSENT,
    (
        "You can refuse, and take your consent back at any time. From then on our systems pass "
        "nothing more on, and erase what they kept on this ground."
    ): Capability.CONSENT,
    "a square of about %(edge)s": Capability.STREAMING,
    "the store of what streams deletes each record by its own expiry": Capability.EXPIRY,
    "an H3 cell of size %(resolution)s": Capability.STREAMING,
    "at least %(count)s people in each figure": Capability.AGGREGATES,
    "cut off at the ends of the trip": Capability.OTHER_OPERATIONS,
    "what streams from the car carries pseudonyms of each recipient's own, which change": (
        Capability.PSEUDONYMS
    ),
    "each provision is put on record": Capability.REGISTERS,
    "erased if you take your consent back": Capability.CONSENT,
    "gathered for %(duration)s before it is passed on": Capability.RELEASE_WINDOWS,
    "in our office's own records": Capability.RECORDS,
    "kept at most %(periods)s": Capability.EXPIRY,
    "one principal reads one purpose": Capability.BROKER_RIGHTS,
    "only as figures about groups": Capability.AGGREGATES,
    "only as a consent for it says": Capability.ON_REQUEST,
    "only on a judge's warrant": Capability.ON_REQUEST,
    "only on an order of a court or an authority": Capability.ON_REQUEST,
    "only when a case is opened for it": Capability.ON_REQUEST,
    "records of purposes are deleted from it within %(duration)s": Capability.TRANSIT,
    "some of it only once it can be made coarse enough": Capability.OTHER_OPERATIONS,
    "the prefecture": Capability.OTHER_OPERATIONS,
    "time within %(duration)s": Capability.STREAMING,
    "what devices report is deleted from the broker within %(duration)s": Capability.TRANSIT,
}
"""By the English phrase."""
