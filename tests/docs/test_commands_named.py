"""Every ``roadfade …`` that a page names exists, with the options it names."""

import re
import shlex
from collections.abc import Iterator

import pytest

from roadfade.terminal.deferred import HELP
from tests.docs import reference
from tests.docs.pages import PAGES, blocks, prose, text_of

_TYPED = re.compile(
    r"""(?:^|\|\s*|\$\()(roadfade (?:"[^"]*"|'[^']*'|[^|)&>\n"'])*)""", re.MULTILINE
)
_INLINE = re.compile(r"`(roadfade(?: [^`]*)?)`")


def commands_in(page: str) -> Iterator[str]:
    for block in blocks(page):
        if block.language == "sh":
            yield from _TYPED.findall(block.text.replace("\\\n", " "))
    yield from (found.replace("\n", " ") for found in _INLINE.findall(prose(page)))


def problem_of(text: str) -> str | None:
    """What the command line has not; None if all of it exists."""
    words = shlex.split(text.replace("…", ""))[1:]
    command = reference.ROOT
    if words == ["--version"]:
        return None
    while words and (group := reference.children(command)):
        name = words.pop(0)
        if name in HELP:
            return None
        if name not in group:
            return name
        command = group[name]
    known = {option for parameter in command.params for option in parameter.opts} | {*HELP}
    return next((w for w in words if w.startswith("--") and w.partition("=")[0] not in known), None)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_a_page_names_exists_with_its_options(page: str) -> None:
    missing = {text: problem_of(text) for text in commands_in(page)}
    assert {text: problem for text, problem in missing.items() if problem} == {}


def test_a_command_or_option_that_does_not_exist_is_noticed() -> None:
    assert problem_of("roadfade sweep --once") is None
    assert problem_of("roadfade sweep --twice") == "--twice"
    assert problem_of("roadfade policy exlain --signal X") == "exlain"


def test_the_page_of_all_commands_is_what_they_say_of_themselves() -> None:
    assert text_of(reference.PAGE) == reference.page(), "run python -m tests.docs.reference"
