"""What is made of the instants that a withdrawal and its last record had."""

import pytest

from bench.withdrawal import Seen, figures, main


def test_the_wait_is_from_the_commit_to_the_last_record() -> None:
    seen = Seen({"a": 1_000, "b": 1_000, "c": 5_000}, {"a": 1_250, "b": 3_000, "c": 4_900, "d": 9})
    assert seen.waits_s() == [0.0, 0.25, 2.0]
    assert figures(9, seen) == {
        "people": 9,
        "withdrawals": 3,
        "last_out_s_p50": 0.25,
        "last_out_s_p99": 2.0,
    }


def test_who_never_sent_anything_is_no_withdrawal_that_took_no_time() -> None:
    with pytest.raises(RuntimeError, match="nothing came out"):
        Seen({"a": 1_000, "b": 1_000}, {"a": 1_250}).waits_s()


@pytest.mark.parametrize("asked", [["--withdrawals", "0"], ["--people", "5", "--withdrawals", "6"]])
def test_nobody_or_more_than_all_cannot_withdraw(asked: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2
