from bus.pacing import Patience


def test_waits_double_up_to_their_limit() -> None:
    patience = Patience(give_up_ms=60_000)
    assert [patience.failed(0) for _ in range(7)] == [250, 500, 1000, 2000, 4000, 5000, 5000]


def test_it_gives_up_when_failures_last_too_long() -> None:
    patience = Patience(give_up_ms=1_000)
    assert [patience.failed(at_ms) for at_ms in (0, 999, 1_000)] == [250, 500, None]


def test_a_success_starts_it_anew() -> None:
    patience = Patience(give_up_ms=1_000)
    patience.failed(0)
    patience.succeeded()
    assert patience.failed(5_000) == 250


def test_many_failures_do_not_overflow_the_wait() -> None:
    patience = Patience(give_up_ms=1_000)
    assert {patience.failed(0) for _ in range(10_000)} <= {250, 500, 1000, 2000, 4000, 5000}
