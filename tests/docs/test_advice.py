"""Whatever a message tells a person to type is there."""

import ast
import re
from collections.abc import Iterator

from tests.docs.pages import REPOSITORY
from tests.docs.reference import leaves

SPOKEN = ("roadfade", "ingest", "assessment", "office", "sinks", "bus", "policy")
"""What speaks to people. Pages are held by their own tests."""
OPTION = re.compile(r"(?<![\w-])(?<!var\()--[a-z][a-z-]+")
COMMAND = re.compile(r"`roadfade ([a-z][a-z-]*(?: [a-z][a-z-]*)*)")
OF_KAFKA = {"--add", "--allow-principal", "--cluster", "--operation"}
OPTIONS = {
    option
    for _, command in leaves()
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
} | {"--help", "--version"}
COMMANDS = {words.removeprefix("roadfade ") for words, _ in leaves()}


def said() -> Iterator[tuple[str, str]]:
    """Every text of several words in the code, with its file: messages, helps, docstrings."""
    for room in SPOKEN:
        for file in sorted((REPOSITORY / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and " " in text.strip():
                    yield str(file.relative_to(REPOSITORY)), text


def test_every_option_that_a_message_names_exists() -> None:
    named = {(file, option) for file, text in said() for option in OPTION.findall(text)}
    assert ("ingest/can/shift.py", "--keep-time") in named
    assert sorted(one for one in named if one[1] not in OPTIONS | OF_KAFKA) == []
    assert not OPTIONS & OF_KAFKA


def test_every_command_that_a_message_names_exists() -> None:
    named = {(file, words) for file, text in said() for words in COMMAND.findall(text)}
    assert ("ingest/logs/strangers.py", "publish") in named
    groups = {words.partition(" ")[0] for words in COMMANDS if " " in words}
    known = COMMANDS | groups
    strangers = [
        (file, words)
        for file, words in named
        if not any(words == one or words.startswith(f"{one} ") for one in known)
    ]
    assert sorted(strangers) == []
