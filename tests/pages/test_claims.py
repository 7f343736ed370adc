"""No page claims what the program does not do: each phrase is held against the list of it."""

import re
from importlib.resources import files
from io import BytesIO

import pytest
from babel.messages.pofile import read_po

from pages.notice.page import notice_page
from pages.processing_record import record_page
from pages.words.claims import CLAIMS
from pages.words.phrases import LACKING, TRIGGERS
from pages.words.translation import translation
from policy.plan.carried_out import lacking
from policy.vocabulary.bilingual import Language
from policy.vocabulary.capabilities import Capability, exists
from roadfade.commands.policy.choice import policy_or_exit

MARK = {"en": "(not yet)", "ja": "（準備中）"}
CLAIM_NOTHING = {
    "sealed, and damaged",
    "sealed under a key that is destroyed",
    "Told on",
    "only what ends with this event",
    "and, of data that goes with its consent, what was recorded before %(from)s, too",
    "Who",
    "Who outside is told of it",
    "it was recorded by somebody else",
    "%(copy)s: nobody can rewrite it. It ends by itself, by %(day)s at the latest.",
    "All of them, line by line",
    (
        "Ask for the chain of receipts (“chain.txt” below) and for heads of it that were "
        "published. Receipts %(numbers)s are about this request; their SHA-256 stand below."
    ),
    "Asked on",
    (
        "A legal hold keeps a sealed copy. It is used for nothing else, and is destroyed when the "
        "hold is released."
    ),
    "no day can be named: a legal hold keeps a sealed copy",
    "Backups that are on the register end by that day. What was copied elsewhere stays there.",
    "Backups: none is known here. What was copied elsewhere stays there.",
    "Copy",
    "How far it is",
    "How to check it",
    (
        "It is yours if HMAC-SHA256 of “%(request)s|your id” under your secret number is "
        "%(opening)s."
    ),
    "No backup is left",
    "No receipt is about this request, since nothing was removed for it.",
    (
        "nothing lay there that this request had to remove: another one had asked for all of it "
        "before this one took effect"
    ),
    "No copy has answered yet.",
    "No copy is left in the stores and topics that are on the register",
    "Nobody is given it any more",
    "Not every store has answered yet.",
    (
        "Receipts are tamper-evident evidence from copies that are on a register. They are no "
        "proof that there is no other copy: a file that somebody exported is on no register."
    ),
    "Receipts of this request",
    "Request",
    "Rows after",
    "Rows before",
    "Since",
    "The end of the chain on %(day)s: receipt %(number)s",
    (
        "This page names nobody. Whoever was given the secret number of this request can show "
        "that it is theirs, and nobody else can."
    ),
    "Used for",
    "What became of it",
    "What comes late is refused until %(time)s.",
    "What could not be removed",
    "What holds",
    "What this shows, and what it does not",
    "What was asked",
    "What was erased, and what shows it",
    "When",
    "Where it lay",
    "Whoever has the key that signs receipts can write receipts.",
    "ended by itself, within its bound",
    "everything of the person",
    "its period is over",
    "no day can be named: no backup is on the register",
    "not yet",
    "recorded before %(to)s",
    "recorded from %(from)s on",
    "removed by the store that had it",
    "some of the vehicles",
    "the person asked for it",
    "the person took a consent back",
    "vehicles, consents and secrets were deleted",
    "what rests on that consent",
    (
        "“Removed” means: no longer reachable through the file system. A disk may keep the old "
        "blocks for a while."
    ),
    "%(count)s readings, from %(first)s to %(last)s; the last of them ends on %(day)s.",
    "All readings of your vehicles that lie in our store, for each purpose and recipient.",
    "From",
    "No vehicle was ever linked to you.",
    "Nothing of yours is kept here.",
    "Only the newest %(count)s readings are drawn; the files have all of them.",
    "This page contains your readings as they are kept. Keep it to yourself.",
    "To",
    "Vehicle",
    "What is kept of you",
    "What you agreed to",
    "Where you were, as it is kept",
    "You agreed to nothing that needs to be asked.",
    "Role",
    "times of %(zone)s",
    "Your vehicles",
    (
        "When we no longer keep your name with a consent, evidence of it stays, until %(period)s "
        "after your consent ends: what you agreed to, under which notice, and the days. It is "
        "without your name. With the secret number beside the consent in person.json you can show "
        "that it is yours, and nobody else can."
    ),
    (
        "If you ask us to erase everything, evidence of what you agreed to stays, until %(period)s "
        "after your consent ends: what it was, under which notice, and the days. It is without "
        "your name. With the secret number that you are given then you can show that it is yours, "
        "and nobody else can."
    ),
    (
        "Of what the person had agreed to, evidence stays, until %(period)s after the consent "
        "ended: what it was, under which notice, and the days. It is without a name, and for our "
        "officers alone. Whoever has the secret number of this request can show that it is theirs."
    ),
    (
        "More may lie under %(count)s keys that were destroyed. Nobody can "
        "find it any more, and it ends on its day."
    ),
    (
        "%(carried)s of the %(all)s lines below are carried out by our systems. What is "
        "marked “not yet” is written, and they do not carry it out yet."
    ),
    "%(carried)s of the %(all)s lines above are carried out by our systems; these wait:",
    (
        "The law requires or allows this use. We may have to refuse a request to stop it, and then "
        "say why."
    ),
    "%(about)s: %(told)s",
    "%(now)s (before: %(was)s)",
    "%(who)s, on %(day)s: %(decision)s",
    "Approved",
    "Decision",
    "It cannot be published yet.",
    "It takes effect on %(day)s.",
    "Needs an approval",
    "Needs consent anew",
    "Needs a new notice",
    "People were told otherwise under this number. Tell them in a notice of a new one.",
    "whoever was told by %(notices)s",
    "“%(ground)s”",
    "Needs nothing",
    "Nothing changes.",
    "Nothing stands in its way: each widening is decided, and nobody has to be asked anew.",
    "People were asked for less. No approval stands for their answer: ask them anew.",
    "This lets more through, or may, and somebody decided that.",
    "This lets more through, or may. Record who decided it, in the words given here.",
    "This lets no more through than before.",
    "What a new version changes",
    "What changes",
    "What is missing stands first.",
    "Whom it concerns",
    "a notice of a new number in place of %(notices)s",
    "becomes coarser",
    "becomes finer",
    "everyone",
    "goes to a new recipient",
    "is protected less",
    "is protected more",
    "is told or treated otherwise",
    "is used from now on",
    "is used no more",
    "lasts less long",
    "lasts longer",
    "rests on another ground",
    "the whole policy",
    "whoever agreed under %(notices)s",
    "Abroad",
    "Accredited organisation",
    "Asking for somebody else",
    "Companies",
    "Complaints",
    "Each kind of data has the period of its line below.",
    "Fee",
    "How long",
    "How we check who asks",
    "Organisation",
    "Our answer",
    "Requests about your data",
    "Rooms and machines",
    "Rules for handling",
    "Security measures",
    "Staff",
    "Technology",
    "We belong to no accredited personal information protection organisation.",
    "We collect from your car: %(car)s.",
    "We collect from your contract and your use of the service: %(rest)s.",
    "What",
    "What to write",
    "Why",
    "You can take a consent back at any time; to stop anything else, write to %(contact)s.",
    "represented by %(who)s",
    "since %(day)s",
    (
        "We collect from your car: %(car)s; and from your contract and your use of the service: "
        "%(rest)s."
    ),
    (
        "We use it for %(count)s purposes, the first of which is “%(first)s”; for %(asked)s of "
        "them, wholly or in part, only with your consent."
    ),
    "All of them receive it within our company.",
    "From the car, once it is linked to you: %(data)s",
    "From your contract and your use of the service: %(data)s",
    "How precise, how long, for whom",
    "How to stop it",
    "Law and guidelines",
    "On which ground",
    "Our systems carry out every line above.",
    "This use needs no consent. You can ask us to stop it, or to erase what we keep.",
    (
        "This use needs no consent. You can ask us to take in nothing more. What is kept does not "
        "say whose it is, is not turned back, and ends as stated above."
    ),
    "Told in notices of",
    "What is collected, and from whom",
    "What is not carried out yet",
    "Where to ask",
    (
        "You can refuse, and take your consent back at any time. What is kept already ends as "
        "stated above."
    ),
    "agencies for credit and insurance scoring",
    "all of it",
    "companies of our group",
    "companies that work for us",
    "other companies",
    "our own company",
    "public authorities",
    "the person concerned",
    "whoever takes over our business",
    "%(count)s day",
    "%(count)s hour",
    "%(count)s minute",
    "%(count)s month",
    "%(count)s year",
    "%(kept)s, in any case %(period)s",
    "%(kept)s, looked at again on %(day)s",
    "%(line)s (but for: %(purposes)s)",
    "%(minutes)s min",
    "%(period)s %(trigger)s",
    "%(who)s: %(duty)s (looked at again on %(day)s)",
    "at least %(least)s, at most %(period)s %(trigger)s",
    "it has ended",
    "the purpose is suspended",
    "%(readings)s readings in %(envelopes)s envelopes",
    "%(said)s (not yet)",
    "%(seconds)s s",
    "%(data)s, %(signal)s: line as measured, bars as told (time within %(duration)s)",
    "Nobody agrees to everything: what would remain without any consent stands beside it.",
    "Without consent",
    "%(who)s [%(facts)s]",
    ", ",
    ": ",
    "; ",
    (
        "A clause is carried out if the program carries out each of its rules, and a case or "
        "a test about it shows that. The suite of the program fails unless each test named "
        "here ran and passed."
    ),
    "A recorded drive, put through the policy: each part is all that one purpose would get.",
    "As measured",
    "Authorities",
    "Because",
    "Cases",
    "Clause",
    "Clause by clause",
    "Data",
    "Duties of people",
    "Evidence",
    "For %(people)s: %(line)s",
    "Ground",
    "How fine",
    "How we use data from your car",
    "In force since %(day)s. Version %(version)s",
    "Items",
    "Joint use within our group",
    "Made from the policy that our systems are given.",
    "Never",
    "%(count)s person",
    "Not carried out yet: %(what)s",
    "Not admitted at all",
    "Nothing of this drive.",
    "Overview",
    "Period",
    "Purpose",
    "Purposes",
    "Questions, access, correction, erasure, complaints",
    "Recipient",
    "Record of processing activities",
    "Remains",
    "Responsible",
    "Rules",
    "State",
    "Taken for %(people)s, as if everybody had agreed to everything.",
    "Taken for %(people)s, as if nobody had agreed to anything.",
    "Technical measures",
    "The way: dashed as measured, filled as told",
    "This page contains the drive as it was measured. Treat it like the recording itself.",
    "What remains of a drive",
    "Who is responsible",
    "Who receives it",
    "Withheld, and why",
    "a field no envelope has",
    "a position of 0/0",
    "also abroad: %(countries)s",
    "another company",
    "approvals",
    "arrived too late to be kept",
    "before the device was registered",
    "carried out",
    "categories of data",
    "people of 16 or 17",
    "people under 16 (and teenagers of unconfirmed age)",
    "contact persons of partners",
    "credit and insurance scoring",
    "dated in the future",
    "drivers",
    "drives whose driver nobody confirmed",
    "earlier owners",
    "employees who drive for work",
    "ends on %(day)s",
    "envelope too large",
    "erased",
    "forbidden by the policy",
    "half of a position",
    "holders of a contract",
    "how long counts are kept",
    "how long raw data is in transit",
    "how long records are in transit",
    "its treatment is not carried out yet",
    "joint use",
    "joint use in our group",
    "lacking: %(what)s",
    "laws",
    "left out on purpose",
    "left to people",
    "no consent",
    "no purpose collects it",
    "no reading in it",
    "nobody is linked to the device",
    "not an envelope",
    "not needed for this purpose",
    "not sealed",
    "nothing in it",
    "notices",
    "out of range",
    "outside the grid",
    "owners",
    "passengers",
    "position as measured",
    "position outside the house",
    "precision",
    "prohibitions",
    "public authority",
    "purposes that may meet",
    "record too large",
    "required or allowed by law",
    "successor of our business",
    "the person objected",
    "the published purpose",
    "left out, as it is not known which readings came before it",
    "thinned out",
    "times and values differ in number",
    "told only in counts",
    "told to you when you signed up",
    "too many readings",
    "of a source or service that the policy does not list",
    "unknown device",
    "unknown signal",
    "unknown version of the envelope",
    "what analysts never see",
    "what the policy covers",
    "who is responsible",
    "within our company",
    "works for us under contract",
    "written, not carried out yet",
    "wrong kind of value",
    "wrong unit",
    "you",
    "your consent",
    "your consent to location",
    "your consent to this recipient",
    "yyyy-MM-dd",
}
"""Phrases that name, count, or ask; none says that the program does something."""


def phrases() -> set[str]:
    text = files("pages") / "locale" / "ja" / "LC_MESSAGES" / "messages.po"
    catalogue = read_po(BytesIO(text.read_bytes()), "ja")
    ids = (message.id for message in catalogue if message.id)
    return {one if isinstance(one, str) else one[0] for one in ids}


def test_every_phrase_is_a_claim_or_said_to_be_none() -> None:
    known = set(CLAIMS) | CLAIM_NOTHING | set(TRIGGERS.values()) | set(LACKING.values())
    assert phrases() - known == set()
    assert known - phrases() == set()
    assert not set(CLAIMS) & CLAIM_NOTHING


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("said", sorted(CLAIMS))
def test_a_claim_is_marked_unless_the_program_does_it(said: str, language: Language) -> None:
    values = dict.fromkeys(re.findall(r"%\((\w+)\)s", said), "x")
    shown = translation(language).gettext(said, **values)
    assert (MARK[language] in shown) is not exists(CLAIMS[said])


def test_every_capability_that_is_missing_can_be_named_and_claimed() -> None:
    missing = {one for one in Capability if not exists(one)}
    assert missing <= set(LACKING)
    unsaid = {Capability.JOINS}
    assert missing - set(CLAIMS.values()) == unsaid


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_line_of_the_notice_is_marked_if_and_only_if_a_cell_of_it_lacks_something(
    language: Language,
) -> None:
    compiled = policy_or_exit(None)
    page = notice_page(compiled, language)
    lines = re.findall(r'<tr role="row">\s*(<td.*?)</tr>', page, re.DOTALL)
    marked = sum(MARK[language] in line for line in lines)
    assert 0 < marked < len(lines)
    said = [
        text
        for text in re.findall(r'<p class="note">(.*?)</p>', page)
        if MARK[language][1:-1] in text
    ]
    assert said and str(len(lines) - marked) in said[0] and str(len(lines)) in said[0]
    assert any(not lacking(cell) for cell in compiled.plan.cells)


def test_no_page_says_that_the_broker_enforces_rights() -> None:
    page = record_page(policy_or_exit(None), "en")
    assert "one principal reads one purpose (not yet)" in page
