import pytest

from bus.client.connection import Connection


def test_the_prefix_goes_on_and_comes_off() -> None:
    connection = Connection("broker:9092", prefix="t7.")
    assert connection.topic("telemetry.raw") == "t7.telemetry.raw"
    assert connection.group("worker") == "t7.worker"
    assert connection.plain("t7.telemetry.raw") == "telemetry.raw"


def test_a_foreign_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="another deployment"):
        Connection("broker:9092", prefix="t7.").plain("t8.telemetry.raw")


@pytest.mark.parametrize("prefix", ["a b", "a/b", "x" * 65, "é"])
def test_a_prefix_that_kafka_would_refuse_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Connection("broker:9092", prefix=prefix)
