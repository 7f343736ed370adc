"""What the cluster answers about topics, made into ours."""

from typing import Any, NamedTuple

import pytest

from bus.client.admin_answers import GONE, descriptions
from bus.failures import TopicError


class Answer(NamedTuple):
    resources: list[Any]


def topic(name: str, code: int = 0) -> dict[str, Any]:
    return {"topic": name, "error_code": code, "partitions": [{"replicas": [1]}]}


def settings(name: str, code: int = 0) -> tuple[Any, ...]:
    return (code, None, 2, name, [("retention.ms", "1", False, 1, False, [])])


@pytest.mark.parametrize(("listed", "asked"), [(0, GONE), (GONE, 0), (GONE, GONE)])
def test_a_topic_that_is_deleted_while_we_ask_is_absent(listed: int, asked: int) -> None:
    answers = [Answer([settings("p.a", asked), settings("p.b")])]
    found = descriptions([topic("p.a", listed), topic("p.b")], answers, {"p.a": "a", "p.b": "b"})
    assert list(found) == ["b"]


def test_any_other_fault_is_raised() -> None:
    with pytest.raises(TopicError):
        descriptions([topic("p.a")], [Answer([settings("p.a", 29)])], {"p.a": "a"})
