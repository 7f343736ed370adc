"""What is asked of a proof by hand is understood, or refused in words."""

import sys

import pytest

from tests.proof.__main__ import main


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [(["--help"], 0, "--seed"), (["upgrade"], 2, "upgrade needs --from REV")],
)
def test_a_proof_is_asked_for_in_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["proof", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == code
    assert said in told.out + told.err
