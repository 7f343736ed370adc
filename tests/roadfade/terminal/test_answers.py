import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from roadfade.refusal import NotReady, Refusal
from roadfade.terminal.answers import (
    answering,
    carry_out,
    print_json,
    refuse,
    settings,
    usage,
    write_below,
)


def exit_of(work: Callable[[], object]) -> int:
    with pytest.raises(typer.Exit) as ended:
        work()
    return ended.value.exit_code


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC])
def test_what_the_machine_refuses_is_one_sentence_with_the_remedy(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise OSError(number, os.strerror(number), "/state/office.sqlite")

    assert exit_of(lambda: carry_out(work)) == 1
    shown = capsys.readouterr()
    said = f"refused: /state/office.sqlite cannot be used ({os.strerror(number)}): "
    assert (shown.out, shown.err.startswith(said), shown.err.count("\n")) == ("", True, 1)


def test_an_error_of_ours_stays_one() -> None:
    def work() -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/state/x")

    with pytest.raises(FileNotFoundError):
        carry_out(work)


def test_an_answer_is_one_object_as_people_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": "目的"})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"title": "目的"}
    assert "目的" in shown


@pytest.mark.parametrize(("kind", "said"), [(Refusal, "refused"), (NotReady, "not started")])
def test_a_refusal_is_one_sentence_on_the_error_stream_and_exits_1(
    kind: type[Refusal], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        msg = "start it"
        raise kind(msg)

    assert exit_of(lambda: carry_out(work)) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"{said}: start it\n")


@pytest.mark.parametrize(
    ("refused", "exits", "said", "shown"),
    [
        (
            lambda: refuse("it widens", facts={"n": 1}, lines=["no"]),
            1,
            {"refused": "it widens", "n": 1},
            "refused: it widens\nno\n",
        ),
        (lambda: usage("name one"), 2, {"refused": "name one"}, "name one\n"),
    ],
    ids=["refused", "asked wrongly"],
)
def test_a_refusal_is_the_answer_if_json_is_asked_for(
    refused: Callable[[], None],
    exits: int,
    said: dict[str, object],
    shown: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with answering(as_json=True):
        assert exit_of(refused) == exits
    answer = capsys.readouterr()
    assert (json.loads(answer.out), answer.err) == (said, "")
    assert exit_of(refused) == exits
    assert capsys.readouterr() == ("", shown)


def test_what_is_asked_wrongly_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(lambda: usage("name one")) == 2
    (tmp_path / "taken").touch()
    assert exit_of(lambda: write_below(tmp_path / "taken", "page.html", "")) == 2
    monkeypatch.setenv("ROADFADE_METRICS_PORT", "none")
    assert exit_of(settings) == 2
    name_one, taken, setting = capsys.readouterr().err.splitlines()
    assert (name_one, "taken" in taken) == ("name one", True)
    assert setting.startswith("setting ROADFADE_METRICS_PORT: ")
