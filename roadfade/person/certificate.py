"""A request of erasure as one page to read: what was asked, how far it is, and what shows that.

The page holds counts, instants and random names, and nobody's id: with the nonce of the request a
person shows that it is theirs. Its words claim no more than receipts can.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from office.erasure.certified import Certified
from office.erasure.overview import Overview
from office.erasure.receipt_chain import Told
from office.erasure.saga import State
from office.registry.erasure_requests import ErasureKind
from office.registry.told_recipients import ToTell
from pages.markup import page
from pages.words.phrases import TRIGGERS
from pages.words.titles import Titles
from pages.words.translation import Translation, phrase
from policy.compiled import CompiledPolicy
from policy.plan.plan import Output, Plan
from policy.vocabulary.bilingual import Language
from roadfade.person.evidence import ERASED_NOW, kept_evidence
from roadfade.person.times import Times

KINDS: Final[Mapping[ErasureKind, str]] = {
    "erase": phrase("the person asked for it"),
    "withdraw": phrase("the person took a consent back"),
    "end": phrase("its period is over"),
    "correction": phrase("it was recorded by somebody else"),
}
HONEST: Final = (
    phrase(
        "Receipts are tamper-evident evidence from copies that are on a register. They are no "
        "proof that there is no other copy: a file that somebody exported is on no register."
    ),
    phrase(
        "“Removed” means: no longer reachable through the file system. A disk may keep the old "
        "blocks for a while."
    ),
    phrase("Whoever has the key that signs receipts can write receipts."),
)
REMOVED: Final = phrase("removed by the store that had it")
ENDED: Final = phrase("ended by itself, within its bound")
FORGOTTEN: Final = phrase("vehicles, consents and secrets were deleted")
NOT_YET: Final = phrase("not yet")
NEEDLESS: Final = phrase(
    "nothing lay there that this request had to remove: another one had asked for all of it "
    "before this one took effect"
)
WITH_EVENT: Final = phrase("only what ends with this event")
BEFORE: Final = phrase(
    "and, of data that goes with its consent, what was recorded before %(from)s, too"
)


class _Copy(NamedTuple):
    copy: str
    output: str | None
    before: int
    after: int
    done_ms: int


def certificate_page(
    found: Certified, policy: CompiledPolicy, plans: Sequence[Plan], language: Language
) -> str:
    """The page. ``plans``: every version, for the titles of outputs that are no more."""
    titles = Titles(policy.document, language)
    content = policy.document.policy.content
    words, times = titles.words, Times(content.zone)
    outputs = {output.id: output for plan in plans for output in plan.outputs}
    return page(
        "certificate.html.j2",
        language,
        version=f"{policy.plan.policy} {policy.plan.policy_version}",
        zone=times.name,
        asked=[
            found.overview.erasure,
            times.told(found.overview.asked_ms),
            _why(found.overview, words),
            _what(found.overview, plans, titles, times),
        ],
        reached=_reached(found.overview, words, times),
        nothing=words.gettext(NEEDLESS) if found.overview.needless else None,
        copies=list(_copies(found.receipts, outputs, titles, times)),
        recipients=[_outside(one, titles, times) for one in found.recipients],
        left=[*_left(found, words, times), *_evidence(found.overview, policy.plan, words)],
        honest=[words.gettext(one) for one in HONEST],
        checks=list(_checks(found, words)),
        public_key=found.public_key.hex(),
        facts_head=[words.gettext("What"), "SHA-256"],
        facts=[
            *((_receipt(one, times), one.receipt.hash) for one in found.receipts),
            (words.gettext("All of them, line by line"), _digest(found.receipts)),
            (
                words.gettext(
                    "The end of the chain on %(day)s: receipt %(number)s",
                    day=found.head.day,
                    number=words.number(found.head.number),
                ),
                found.head.hash,
            ),
        ],
        contact=content.controller.contact,
    )


def _why(one: Overview, words: Translation) -> str:
    said = words.gettext(KINDS[one.kind])
    event = TRIGGERS.get(one.reason)
    return said if event is None else words.listed([said, words.gettext(event)])


def _what(one: Overview, plans: Sequence[Plan], titles: Titles, times: Times) -> str:
    words = titles.words
    if one.whole:
        return words.gettext("everything of the person")
    parts = []
    if one.kind == "withdraw":
        parts.append(words.gettext("what rests on that consent"))
    if one.lanes is not None:
        parts.append(words.gettext(WITH_EVENT))
        meant = {o.purpose for plan in plans for o in plan.outputs if o.id in one.lanes}
        parts += [titles.purpose(name) for name in sorted(meant)]
    if one.purposes is not None:
        parts += [titles.purpose(name) for name in one.purposes]
    if one.some_links:
        parts.append(words.gettext("some of the vehicles"))
    if one.from_ms is not None:
        parts.append(
            words.gettext("recorded from %(from)s on", **{"from": times.told(one.from_ms)})
        )
        if one.kind == "withdraw" and _erases_before(one, plans):
            parts.append(words.gettext(BEFORE, **{"from": times.told(one.from_ms)}))
    if one.to_ms is not None:
        parts.append(words.gettext("recorded before %(to)s", to=times.told(one.to_ms)))
    return words.listed(parts) or "-"


def _erases_before(one: Overview, plans: Sequence[Plan]) -> bool:
    """Whether a withdrawal may take what is of before it along: some version says so."""
    return any(
        cell.on_withdrawal == "erase" and (one.purposes is None or cell.purpose in one.purposes)
        for plan in plans
        for cell in plan.cells
    )


def _reached(one: Overview, words: Translation, times: Times) -> list[list[str]]:
    """D1, D2 and D3, apart."""
    said = _undated(one, words)
    return [
        [
            words.gettext("Nobody is given it any more"),
            said if one.d1_ms is None else times.told(one.d1_ms),
        ],
        [
            words.gettext("No copy is left in the stores and topics that are on the register"),
            said if one.d2_ms is None else times.told(one.d2_ms),
        ],
        [words.gettext("No backup is left"), _no_backup(one, words, times)],
    ]


def _no_backup(one: Overview, words: Translation, times: Times) -> str:
    """D3: a day, or why there is none."""
    if one.held:
        return words.gettext("no day can be named: a legal hold keeps a sealed copy")
    if one.d3_ms is not None:
        return times.told(one.d3_ms)
    if one.d2_ms is None:
        return _undated(one, words)
    return words.gettext("no day can be named: no backup is on the register")


def _undated(one: Overview, words: Translation) -> str:
    """Why there is no date. Of commands that outlived their request no date is on record."""
    if one.state in (State.GONE, State.CLOSED) and not one.needless:
        return "-"
    return words.gettext(NEEDLESS if one.needless else NOT_YET)


def _copies(
    receipts: Sequence[Told], outputs: Mapping[str, Output], titles: Titles, times: Times
) -> Iterator[list[str]]:
    words = titles.words
    for one in _answers(receipts):
        output = outputs.get(one.output or "")
        used = (one.output or "-") if output is None else titles.purpose(output.purpose)
        counts = [words.number(one.before), words.number(one.after)]
        yield [one.copy, used, words.gettext(REMOVED), *counts, times.told(one.done_ms)]
    for entry in (told.entry for told in receipts):
        if entry.what == "ended":
            yield [
                entry.copy or "-",
                "-",
                words.gettext(ENDED),
                "-",
                "-",
                times.told(entry.done_ms),
            ]
        elif entry.what == "unlinked":
            counts = [words.number(entry.located_before or 0), words.number(0)]
            yield [
                entry.copy or "-",
                "-",
                words.gettext(FORGOTTEN),
                *counts,
                times.told(entry.at_ms),
            ]


def _answers(receipts: Sequence[Told]) -> list[_Copy]:
    """What stores answered, by store and output: one may have had several commands."""
    found: dict[tuple[str, str | None], _Copy] = {}
    for entry in (told.entry for told in receipts):
        if entry.what == "erased":
            copy, done_ms = entry.copy or "-", entry.done_ms or entry.at_ms
            before, after = entry.located_before or 0, entry.located_after or 0
            known = found.get((copy, entry.output), _Copy(copy, entry.output, 0, 0, 0))
            found[copy, entry.output] = known._replace(
                before=known.before + before,
                after=known.after + after,
                done_ms=max(known.done_ms, done_ms),
            )
    return list(found.values())


def _outside(one: ToTell, titles: Titles, times: Times) -> list[str]:
    """A recipient by its name, if the version in force still has it."""
    known = titles.document.pages.get(one.purpose)
    named = known is not None and any(who.id == one.recipient for who in known.recipients)
    return [
        titles.who(one.purpose, one.recipient) if named else one.recipient,
        titles.purpose(one.purpose),
        titles.words.gettext(NOT_YET) if one.told_ms is None else times.told(one.told_ms),
    ]


def _left(found: Certified, words: Translation, times: Times) -> Iterator[str]:
    one = found.overview
    if one.needless:
        yield words.gettext(NEEDLESS)
        return
    for copy, due_ms in sorted(one.copies.items()):
        yield words.gettext(
            "%(copy)s: nobody can rewrite it. It ends by itself, by %(day)s at the latest.",
            copy=copy,
            day=times.told(due_ms),
        )
    if one.waits_for is not None and one.waits_for.outputs:
        yield words.gettext("Not every store has answered yet.")
    lost = sum(
        told.entry.located_before or 0
        for told in found.receipts
        if told.entry.what == "unlocatable"
    )
    if lost:
        yield words.gettext(
            "More may lie under %(count)s keys that were destroyed. Nobody can find it any more, "
            "and it ends on its day.",
            count=words.number(lost),
        )
    if one.until_ms is not None:
        yield words.gettext(
            "What comes late is refused until %(time)s.", time=times.told(one.until_ms)
        )
    if one.held:
        yield words.gettext(
            "A legal hold keeps a sealed copy. It is used for nothing else, and is destroyed when "
            "the hold is released."
        )
    if one.d3_ms is None:
        yield words.gettext("Backups: none is known here. What was copied elsewhere stays there.")
    else:
        yield words.gettext(
            "Backups that are on the register end by that day. What was copied elsewhere stays "
            "there."
        )


def _evidence(one: Overview, plan: Plan, words: Translation) -> Iterator[str]:
    """What stays of the consents of whoever is forgotten, as the version in force has it."""
    period = kept_evidence(plan).after_erasure
    if one.whole and period is not None:
        yield words.gettext(ERASED_NOW, period=words.period(period))


def _checks(found: Certified, words: Translation) -> Iterator[str]:
    if not found.receipts:
        yield words.gettext("No receipt is about this request, since nothing was removed for it.")
        return
    numbers = words.listed(words.number(told.entry.number) for told in found.receipts)
    yield words.gettext(
        "Ask for the chain of receipts (“chain.txt” below) and for heads of it that were "
        "published. Receipts %(numbers)s are about this request; their SHA-256 stand below.",
        numbers=numbers,
    )
    opening = next((t.entry.opening for t in found.receipts if t.entry.opening is not None), None)
    if opening is not None:
        yield words.gettext(
            "It is yours if HMAC-SHA256 of “%(request)s|your id” under your secret number is "
            "%(opening)s.",
            request=found.overview.erasure,
            opening=opening,
        )


def _receipt(one: Told, times: Times) -> str:
    return f"{one.entry.number} {one.entry.what} {times.told(one.entry.at_ms)}"


def _digest(receipts: Sequence[Told]) -> str:
    """SHA-256 over their lines as the exported chain has them."""
    return sha256(b"".join(one.receipt.line + b"\n" for one in receipts)).hexdigest()
