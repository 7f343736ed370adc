"""Whether a process is ready, and how others learn it."""

import http.client
from collections.abc import Iterator

import pytest

from roadfade import metrics
from roadfade.process_pages import serve_pages
from roadfade.readiness import NEEDS, Need, Readiness


def test_a_process_is_ready_once_nothing_it_needs_is_lacking() -> None:
    one = Readiness()
    one.need("worker")
    assert set(one.lacking()) == set(NEEDS["worker"])
    for need in NEEDS["worker"]:
        one.met(need)
    assert one.lacking() == {}
    one.lacks(Need.FLOWING, "stale control.links")
    assert one.lacking() == {Need.FLOWING: "stale control.links"}


def test_what_a_role_does_not_need_never_makes_it_unready() -> None:
    one = Readiness()
    one.need("sweep")
    for need in NEEDS["sweep"]:
        one.met(need)
    one.lacks(Need.JOINED, "not yet")
    assert one.lacking() == {}


def test_before_a_process_has_a_role_it_is_not_ready() -> None:
    assert Readiness().lacking()


def test_every_role_and_every_need_has_its_place() -> None:
    assert {need for needs in NEEDS.values() for need in needs} == set(Need)


def test_what_is_lacking_is_a_metric_for_each_need_of_the_role() -> None:
    one = Readiness()
    one.need("office")
    one.met(Need.TOPICS)
    found = {
        sample.labels["what"]: sample.value
        for family in metrics.UNREADY.collect()
        for sample in family.samples
    }
    assert found == {"topics": 0, "heartbeat": 1}


@pytest.fixture
def page(tmp_path: object) -> Iterator[tuple[Readiness, int]]:
    one = Readiness()
    server = serve_pages("127.0.0.1", 0, one)
    yield one, server.server_port
    server.shutdown()
    server.server_close()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        link.request(method, path)
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def test_a_process_answers_that_it_lives_and_whether_it_is_ready(
    page: tuple[Readiness, int],
) -> None:
    one, port = page
    one.need("sink")
    one.met(Need.JOINED)
    one.met(Need.FLOWING)
    one.lacks(Need.POLICY, "the one in force is not valid here")
    assert ask(port, "/-/healthy") == (200, "the process lives\n")
    status, text = ask(port, "/-/ready")
    assert status == 503
    assert text == "not ready\npolicy: the one in force is not valid here\n"
    one.met(Need.POLICY)
    assert ask(port, "/-/ready") == (200, "ready\n")
    assert ask(port, "/-/ready", "HEAD")[0] == 200


def test_the_metrics_are_where_they_were_and_nothing_else_is_there(
    page: tuple[Readiness, int],
) -> None:
    _, port = page
    status, text = ask(port, "/metrics")
    assert status == 200
    assert "roadfade_records_in_total" in text
    assert ask(port, "/elsewhere")[0] == 404
    assert ask(port, "/-/ready", "POST")[0] == 405
