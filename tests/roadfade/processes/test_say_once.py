import logging

import pytest

from roadfade.processes.say_once import SayOnce

logger = logging.getLogger("once")


def test_what_stays_as_it_is_is_said_once_and_what_changes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    say = SayOnce(logger, logging.ERROR)
    for what in ("away", "away", "full", "away"):
        say(what)
    assert caplog.messages == ["away", "full", "away"]
    assert {record.levelname for record in caplog.records} == {"ERROR"}


def test_of_two_things_the_same_may_be_said(caplog: pytest.LogCaptureFixture) -> None:
    say = SayOnce(logger)
    for about in (1, 2, 1, 2):
        say("it waits", about=about)
    assert caplog.messages == ["it waits"] * 2


def test_what_went_away_in_between_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    say = SayOnce(logger)
    say("away")
    say.forget()
    say("away")
    assert caplog.messages == ["away"] * 2
