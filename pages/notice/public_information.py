"""What the notice tells beside purposes: joint use, requests, security measures, complaints.

People's words stand in the document. What the program does for security is told from the plan, and
marked if it does not do it yet.
"""

from typing import NamedTuple

from pages.notice.texts import notice_text
from pages.processing_record_measures import shared_measures
from pages.words.titles import Titles
from pages.words.translation import phrase
from policy.compiled import CompiledPolicy
from policy.language.policy_file import JointUse
from policy.vocabulary.bilingual import Bilingual


class JointUseTold(NamedTuple):
    """The terms of joint use (APPI Art. 27(5)(iii))."""

    notice: str | None
    items: str
    purposes: str
    users: list[str]
    manager: list[str]


class Part(NamedTuple):
    """A heading with its lines; a line without a name stands by itself."""

    id: str
    title: str
    lines: list[tuple[str, str]]


_REQUESTS = {
    "where": phrase("Where to ask"),
    "form": phrase("What to write"),
    "identity": phrase("How we check who asks"),
    "agent": phrase("Asking for somebody else"),
    "fee": phrase("Fee"),
    "answer": phrase("Our answer"),
}
_SECURITY = {
    "rules": phrase("Rules for handling"),
    "organisation": phrase("Organisation"),
    "people": phrase("Staff"),
    "premises": phrase("Rooms and machines"),
    "abroad": phrase("Abroad"),
}


def joint_use(compiled: CompiledPolicy, titles: Titles) -> JointUseTold | None:
    """None without joint use."""
    joint, words = titles.document.policy.content.joint_use, titles.words
    if joint is None:
        return None
    return JointUseTold(
        notice=notice_text(compiled, joint.notice, titles),
        items=words.listed(map(titles.item, joint.items)),
        purposes=words.listed(map(titles.purpose, joint.purposes)),
        users=_users(joint, titles),
        manager=titles.told_of(joint.manager),
    )


def _users(joint: JointUse, titles: Titles) -> list[str]:
    """Each company with its address, its representative, its first and its last day."""
    words = titles.words
    return [
        words.listed(
            [
                titles.receiver(user.recipient),
                titles.told(user.address),
                titles.representative(user.representative),
                words.gettext("since %(day)s", day=words.date(user.since)),
                *(
                    words.gettext("ends on %(day)s", day=words.date(day))
                    for day in titles.last_days(user.recipient)
                ),
            ]
        )
        for user in joint.users
    ]


def public_information(compiled: CompiledPolicy, titles: Titles) -> list[Part]:
    """Requests, security and complaints, in this order; empty if the document has none."""
    public, words = titles.document.policy.content.public_information, titles.words
    if public is None:
        return []

    def lines(of: object, names: dict[str, str]) -> list[tuple[str, str]]:
        texts = {name: getattr(of, field) for field, name in names.items()}
        return [
            (words.gettext(name), titles.told(text))
            for name, text in texts.items()
            if isinstance(text, Bilingual)
        ]

    technical = [
        (words.gettext("Technology"), one) for one in shared_measures(compiled.plan, words)
    ]
    complaints = [("", titles.told(public.complaints.desk))]
    organisation = public.complaints.organisation
    complaints.append(
        (
            "",
            words.gettext(
                "We belong to no accredited personal information protection organisation."
            ),
        )
        if organisation is None
        else (words.gettext("Accredited organisation"), titles.told(organisation))
    )
    return [
        Part(
            "requests", words.gettext("Requests about your data"), lines(public.requests, _REQUESTS)
        ),
        Part(
            "security",
            words.gettext("Security measures"),
            [*lines(public.security, _SECURITY), *technical],
        ),
        Part("complaints", words.gettext("Complaints"), complaints),
    ]
