"""Sets of words that are listed in more than one place say the same, and know every member."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from policy.compiler.items import Selected
from policy.diff.purpose_changes import FORMS
from policy.explain.advice import OPENS
from policy.explain.question import Applied, Consent
from policy.language.case_file import Case
from policy.language.purpose_file import Delivery, Identity, KeepFor, LegalBasis
from policy.plan.cells import belongs_to
from policy.vocabulary.terms import BasisKind, DeliveryMode, RecipientClass, Where, is_outside
from telemetry.instants import Grain
from telemetry.outcome import Withheld
from telemetry.wire.control import ConsentKind

MODES = get_args(DeliveryMode)


def answer(mode: DeliveryMode) -> str:
    return Applied("a/b/C01", None, (), Where("a.yaml", 1), delivery=mode).opened


def facts_mode(mode: Any) -> str:
    return Selected((), (), Delivery.model_construct(mode=mode)).facts_mode


def named(model: Any, field: str) -> set[str]:
    """The words of a literal that may be absent."""
    annotation = model.model_fields[field].annotation
    return {word for part in (annotation, *get_args(annotation)) for word in get_args(part)
            if isinstance(word, str)}  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (named(LegalBasis, "kind"), {str(kind) for kind in BasisKind}),
        (named(Identity, "form"), set(FORMS)),
        (named(Case, "consent"), {str(given) for given in Consent}),
        (named(KeepFor, "grain"), {str(grain) for grain in Grain}),
        (set(OPENS), set(Withheld)),
        ({kind.consent for kind in BasisKind if kind.needs_consent}, set(get_args(ConsentKind))),
    ],
)
def test_two_lists_of_one_set_have_the_same_members(one: set[str], other: set[str]) -> None:
    assert one == other


@pytest.mark.parametrize("mode", MODES)
def test_every_way_of_leaving_is_known_to_everyone_who_asks(mode: DeliveryMode) -> None:
    assert sum(belongs_to(mode)) == (mode != "records")
    assert answer(mode) == ("on_request" if mode == "on_request" else "deliver")
    assert facts_mode(mode) == ("records" if mode == "stream" else mode)


def test_what_goes_to_others_leaves_the_house() -> None:
    inside = {one for one in get_args(RecipientClass) if not is_outside(one)}
    assert inside == {"subject", "internal", "consumer_reporting"}


@pytest.mark.parametrize("ask", [belongs_to, answer, facts_mode, is_outside])
def test_a_member_nobody_decided_about_is_refused(ask: Callable[[Any], object]) -> None:
    with pytest.raises(AssertionError, match="forgotten"):
        ask("forgotten")
