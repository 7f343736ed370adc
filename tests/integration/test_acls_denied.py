"""What the rights that ``roadfade policy acls`` prints leave out is refused by the broker.

Every door is tried by every principal: those that open are exactly those it needs.
"""

import pytest

from bus.client.admin import TopicAdmin
from bus.failures import BrokerError, TopicError
from policy.artefacts.acls import ADMIN, GATEWAY, OFFICE, READER, REPORTER, SINK, SWEEP, WORKER
from roadfade.in_force.broker import check_topics, limits_on
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL,
    CONTROL_COLLECTION,
    CONTROL_OF_WORKERS,
    CONTROL_POLICIES,
    CONTROL_SEALING,
    EVENTS_REPORTED,
    RAW,
    SINK_GROUP,
    WORKER_GROUP,
)
from tests.integration.guarded_road import (
    COMMANDS,
    OUTPUTS,
    SPECS,
    STRANGER,
    TOPICS,
    Way,
    delete_spare,
    in_group,
    readable,
    writable,
)

pytestmark = pytest.mark.broker
HERE = Settings()


async def test_a_reader_of_one_purpose_reads_no_other(way: Way) -> None:
    for topic, output in OUTPUTS.items():
        assert await readable(way(READER + output)) == {topic}
        assert await writable(way(READER + output)) == set()


@pytest.mark.parametrize("group", [SINK_GROUP, WORKER_GROUP, READER + "research"])
async def test_a_reader_enters_no_other_group(way: Way, group: str) -> None:
    with pytest.raises(BrokerError, match="GroupAuthorizationFailed"):
        await in_group(way(READER + "service"), group, "purpose.service")


async def test_a_gateway_writes_raw_data_and_reads_nothing_back(way: Way) -> None:
    assert await writable(way(GATEWAY)) == {RAW, AUDIT_PROCESSES}
    # The versions, for which keys it seals (public ones), and what devices are to collect.
    known = {CONTROL_POLICIES, CONTROL_SEALING, CONTROL_COLLECTION}
    assert await readable(way(GATEWAY)) == known


async def test_a_worker_reads_no_purpose_and_changes_nothing_that_people_said(way: Way) -> None:
    assert await readable(way(WORKER)) == {RAW, AUDIT_FLOW, *CONTROL_OF_WORKERS}
    assert await writable(way(WORKER)) == {AUDIT_FLOW, AUDIT_PROCESSES, *OUTPUTS}


async def test_a_sink_reads_purposes_and_no_links_or_consents(way: Way) -> None:
    assert await readable(way(SINK)) == {CONTROL_POLICIES, *OUTPUTS, *COMMANDS}
    assert await writable(way(SINK)) == {AUDIT_PROCESSES, AUDIT_ERASURES}


async def test_a_sweep_reads_the_versions_and_no_purpose(way: Way) -> None:
    assert await readable(way(SWEEP)) == {CONTROL_POLICIES}
    assert await writable(way(SWEEP)) == {AUDIT_PROCESSES}


async def test_the_office_reads_nothing_that_vehicles_sent(way: Way) -> None:
    # It compares the control topics with what it knows, and fills them again.
    assert await readable(way(OFFICE)) == {
        *CONTROL,
        CONTROL_COLLECTION,
        *COMMANDS,
        AUDIT_ERASURES,
        EVENTS_REPORTED,
    }
    published = {*CONTROL, CONTROL_COLLECTION, *COMMANDS}
    assert await writable(way(OFFICE)) == {AUDIT_PROCESSES, AUDIT_EVENTS, *published}


async def test_who_reports_events_reads_the_answers_and_nothing_that_was_reported(way: Way) -> None:
    assert await writable(way(REPORTER)) == {EVENTS_REPORTED}
    assert await readable(way(REPORTER)) == {AUDIT_EVENTS}


async def test_who_administers_topics_reads_no_data_and_deletes_none(way: Way) -> None:
    # `roadfade status` hears what processes say of themselves: figures, no people.
    assert await readable(way(ADMIN)) == {AUDIT_PROCESSES, CONTROL_POLICIES}
    assert await writable(way(ADMIN)) == set()
    with pytest.raises(TopicError, match="AuthorizationFailed"):
        await delete_spare(way(ADMIN))


async def test_a_process_under_a_principal_of_another_is_refused_in_words(way: Way) -> None:
    for principal in (GATEWAY, SWEEP):
        async with TopicAdmin(way(principal)) as admin:
            with pytest.raises(NotReady, match="own principal"):
                await check_topics(admin, SPECS)
    async with TopicAdmin(way(STRANGER)) as admin:
        with pytest.raises(NotReady, match="own principal"):
            await limits_on(HERE, admin)


async def test_who_was_given_no_right_finds_no_topic(way: Way) -> None:
    async with TopicAdmin(way(STRANGER)) as admin:
        assert set((await admin.describe(sorted(TOPICS))).values()) == {None}
    assert await readable(way(STRANGER)) == await writable(way(STRANGER)) == set()
