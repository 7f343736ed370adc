"""Tests that the product names as evidence: each must have run and passed, or the suite fails.

The shipped policy names tests for its clauses (clauses.yaml), and ``SHOWN`` for each capability
that the program says it has. ``make test`` asks for all of them with ``--evidence``.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from policy.vocabulary.capabilities import Capability
from roadfade.commands.policy.choice import policy_or_exit

SHOWN: Final[Mapping[Capability, tuple[str, ...]]] = {
    Capability.COMPILING: (
        "tests/policy/compiler/test_compile.py::test_a_plan_with_an_error_is_no_plan",
        "tests/policy/language/test_broken_documents.py::test_a_broken_document_says_what_to_fix",
    ),
    Capability.STREAMING: (
        "tests/flow/test_replay_real.py::test_a_generated_drive_moved_to_now_arrives_in_every_output_taking_it",
        "tests/processors/test_processor.py::test_a_record_says_what_its_passage_allows_and_no_more",
    ),
    Capability.ADMISSION: (
        "tests/flow/test_canaries.py::test_nothing_planted_comes_out_anywhere",
        "tests/policy/test_properties.py::test_what_no_cell_permits_is_denied",
    ),
    Capability.CONSENT: (
        "tests/flow/test_consent.py::test_nothing_read_after_a_withdrawal_was_known_is_delivered",
        "tests/policy/test_properties.py::test_without_a_consent_no_consent_based_cell_opens",
    ),
    Capability.PSEUDONYMS: (
        "tests/processors/test_twin_worlds.py::test_who_somebody_is_shows_in_no_record_but_by_its_secret",
        "tests/processors/test_processor.py::test_a_new_owner_is_a_new_pseudonym_and_nobodys_time_is_nobodys",
    ),
    Capability.EXPIRY: (
        "tests/flow/test_expiry.py::test_what_has_expired_is_unreadable_at_once_and_gone_after_one_sweep",
        "tests/policy/test_properties.py::test_nothing_outlives_its_rule",
    ),
    Capability.TRANSIT: (
        "tests/policy/compiler/test_promises.py::test_what_compiles_keeps_its_promise",
    ),
    Capability.EVENT_ENDS: (
        "tests/flow/test_person.py::test_what_a_contracts_end_shortens_goes_once_it_is_recorded",
        "tests/office/erasure/test_event_ends.py::test_a_contracts_end_is_carried_out_on_its_day_and_once",
    ),
    Capability.SERVICES: (
        "tests/processors/test_scope.py::test_out_of_scope_is_nothing_but_its_count",
        "tests/flow/test_malformed.py::test_every_kind_of_bad_input_is_counted_and_all_good_input_arrives",
    ),
    Capability.REQUESTS: (
        "tests/flow/test_person.py::test_each_person_is_given_all_that_is_theirs_and_nothing_else",
        "tests/flow/test_person.py::test_the_sellers_erasure_touches_nothing_of_the_buyer",
        "tests/flow/test_person.py::test_whoever_objects_is_withheld_until_they_take_it_back",
        "tests/flow/test_person_postgres.py::test_a_person_is_shown_corrected_and_forgotten_in_postgresql",
    ),
    Capability.PAGES: (
        "tests/pages/test_pages.py::test_the_notice_tells_data_fineness_period_recipient_and_ground",
        "tests/pages/test_claims.py::test_a_claim_is_marked_unless_the_program_does_it",
    ),
}  # fmt: skip
"""By capability that exists: the tests that show it."""


@cache
def named() -> frozenset[str]:
    """Every test that clauses or capabilities name, without parameters."""
    document = policy_or_exit(None).document
    clauses = document.clauses.content.clauses.values()
    by_clause = {name for clause in clauses for name in clause.evidence}
    return frozenset(by_clause.union(*SHOWN.values()))


def lacking(names: Iterable[str], outcomes: Mapping[str, set[str]]) -> list[str]:
    """What of the named tests did not run, or did not pass, in one line each.

    ``outcomes``: by node id without parameters, the outcomes of its parameters.
    """
    found = []
    for name in sorted(names):
        seen = outcomes.get(name, set())
        if not seen:
            found.append(f"{name} did not run")
        elif seen != {"passed"}:
            found.append(f"{name}: {', '.join(sorted(seen))}")
    return found
