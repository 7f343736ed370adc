"""What a policy rests on: authorities that rules cite, clauses it carries out, legal profiles."""

import re
from typing import Annotated, Final, Literal

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError

from policy.language.fields import Citation, Citations, Day, Forbid, Strict, TestName
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.words import WordError


class Authority(Strict):
    """A clause, an article, a guideline or an order that rules may cite by its id."""

    kind: Literal["clause", "law", "guideline", "order", "requirement"]
    title: Bilingual
    read: Literal["text", "secondary", "from_memory", "unsettled"] = "secondary"
    """How its content was verified; ``text``: in the text itself."""


class Authorities(Strict):
    """authorities.yaml: what may be cited, and nothing else may."""

    authorities: Annotated[dict[Citation, Authority], Field(min_length=1)]


EVIDENCE_FILE: Final = r"^(tests|docs)/[A-Za-z0-9_./@-]{1,200}$"


def _evidence(value: object) -> Bilingual | str:
    """A text in both languages, or a file of the program; WordError for anything else."""
    if isinstance(value, str) and re.fullmatch(EVIDENCE_FILE, value):
        return value
    if isinstance(value, Bilingual):
        return value
    try:
        return Bilingual.model_validate(value)
    except ValidationError:
        message = "neither a text in both languages nor a file of the program"
        remedy = "write `evidence: {ja: …, en: …}`, or a file as `tests/policy/test_shipped.py`"
        raise WordError(message, remedy) from None


EvidenceFile = Annotated[str, Field(pattern=EVIDENCE_FILE)]
Evidence = Annotated[
    Bilingual | str,
    PlainValidator(_evidence, json_schema_input_type=Bilingual | EvidenceFile),
    PlainSerializer(lambda given: given if isinstance(given, str) else given.model_dump()),
    Field(examples=["{ja: 承認の記録, en: record of approvals}"]),
]
"""The trace that something leaves: in words, or the test or page that shows it."""


class Duty(Strict):
    """What people do because no program can: who, the trace it leaves, when it is looked at."""

    who: Annotated[Bilingual, Field(examples=["{ja: 個人情報の責任者, en: the privacy officer}"])]
    duty: Annotated[Bilingual, Field(examples=["{ja: 期間を決める, en: choosing each period}"])]
    evidence: Evidence
    review_on: Annotated[Day, Field(examples=["2027-10-01"])]
    """From this day on it is warned that somebody has to look whether the duty is done."""


class Clause(Strict):
    """How one clause is carried out: by rules, by duties, or by both."""

    rules: tuple[str, ...] = ()
    """Purposes, or parts of policy.yaml, beside the rules that cite the clause."""
    cites: tuple[Citation, ...] = ()
    """The law, guideline or order that the clause follows; no other clause."""
    needs: tuple[str, ...] = ()
    """What the clause asks of the program beyond its rules, as ``registers``."""
    duties: tuple[Duty, ...] = ()
    evidence: tuple[TestName, ...] = ()
    """Tests of the program that show it, as tests/policy/test_shipped.py::test_its_cases_hold."""


class Clauses(Strict):
    """clauses.yaml: a row for every authority of kind ``clause``."""

    clauses: dict[Citation, Clause]


Requirement = Literal[
    "transfer_route", "joint_use_terms", "public_information", "gdpr_basis", "subject_access"
]
"""What a profile can ask of a whole document; see policy/compiler/profiles.py for each check."""


class Profile(Strict):
    """A law as a module: from when, until when, and what it adds."""

    title: Bilingual
    effective: Annotated[Day, Field(examples=["2022-04-01"])]
    until: Day | None = None
    home: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """Countries that are not abroad under this law."""
    forbids: tuple[Forbid, ...] = ()
    requires: tuple[Requirement, ...] = ()
    cites: Citations


class Profiles(Strict):
    """profiles.yaml: every law the policy can be put under; policy.yaml turns them on."""

    profiles: dict[str, Profile]
