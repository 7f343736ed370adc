"""What a policy rests on: authorities that rules cite, clauses it carries out, legal profiles."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from policy.language.fields import (
    Citation,
    Citations,
    Forbid,
    Strict,
    TestName,
)
from policy.vocabulary.bilingual import Bilingual


class Authority(Strict):
    """A clause, an article, a guideline or an order that rules may cite by its id."""

    kind: Literal["clause", "law", "guideline", "order", "requirement"]
    title: Bilingual
    read: Literal["text", "secondary", "from_memory", "unsettled"] = "secondary"
    """How its content was verified; ``text``: in the text itself."""


class Authorities(Strict):
    """authorities.yaml: what may be cited, and nothing else may."""

    authorities: Annotated[dict[Citation, Authority], Field(min_length=1)]


class Duty(Strict):
    """What people do because no program can, and the trace it leaves."""

    duty: Annotated[Bilingual, Field(examples=["{ja: 期間を決める, en: choosing each period}"])]
    evidence: Annotated[Bilingual, Field(examples=["{ja: 承認の記録, en: record of approvals}"])]


class Clause(Strict):
    """How one clause is carried out: by rules, by duties, or by both."""

    rules: tuple[str, ...] = ()
    """Purposes, or parts of policy.yaml, beside the rules that cite the clause."""
    needs: tuple[str, ...] = ()
    """What the clause asks of the program beyond its rules, as ``registers``."""
    duties: tuple[Duty, ...] = ()
    evidence: tuple[TestName, ...] = ()
    """Tests of the program that show it, as tests/policy/test_shipped.py::test_its_cases_hold."""


class Clauses(Strict):
    """clauses.yaml: a row for every authority of kind ``clause``."""

    clauses: dict[Citation, Clause]


Requirement = Literal["transfer_route", "joint_use_terms", "gdpr_basis", "subject_access"]
"""What a profile can ask of a whole document; see requirements.py for what each checks."""


class Profile(Strict):
    """A law as a module: from when, until when, and what it adds."""

    title: Bilingual
    effective: Annotated[date, Field(examples=["2022-04-01"])]
    until: date | None = None
    home: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """Countries that are not abroad under this law."""
    forbids: tuple[Forbid, ...] = ()
    requires: tuple[Requirement, ...] = ()
    cites: Citations


class Profiles(Strict):
    """profiles.yaml: every law the policy can be put under; policy.yaml turns them on."""

    profiles: dict[str, Profile]
