"""Change one rule of the shipped document at a time, and see whether anybody notices.

``python -m tests.support.mutants`` deletes or alters every key and list item that carries a
rule, and reports how many such mutants the compiler or the cases refuse, and which survive.
Labels and prose (titles, reasons, addresses) are no rules and are left alone; so are single
citations beside others, and mutants that compile to the very same plan.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel

from policy.compiler.compile import compile_plan
from policy.diff.diff import diff
from policy.explain.cases import run_cases
from policy.language.authority_files import Authorities, Clauses, Profiles
from policy.language.category_files import Categories, Notice, Precisions
from policy.language.document import Document, Sheet
from policy.language.parse import parse
from policy.language.policy_file import Policy
from policy.language.problems import Findings, Places
from policy.language.purpose_file import Purpose
from policy.language.validation import validate
from policy.language.yaml_text import read_yaml
from policy.plan.limits import Limits
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from tests.support.widening import wider

PROSE = {
    "title", "text", "because", "who", "name", "address", "representative", "contact", "seed",
    "dpv", "part_of", "duties", "evidence", "approvals", "read", "policy", "version", "cites",
    "notice", "purpose", "home",
}  # fmt: skip
"""Keys of labels and prose; ``cites`` is deleted whole, elsewhere."""
OTHERWISE = {
    "trigger": "campaign_end", "from": "device_retired", "class": "third_party",
    "kind": "published", "route": "equivalent", "mode": "records", "needs": "audit",
    "form": "named", "grain": "minute", "space": "h3 3", "role": "passenger",
}  # fmt: skip
MODELS: Mapping[str, type[BaseModel]] = {"purposes": Purpose, "notices": Notice}
TOPS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "policy.yaml": ("policy", Policy),
    "authorities.yaml": ("authorities", Authorities),
    "clauses.yaml": ("clauses", Clauses),
    "profiles.yaml": ("profiles", Profiles),
    "categories.yaml": ("categories", Categories),
    "precision.yaml": ("precisions", Precisions),
}
Path = tuple[str | int, ...]
Others = Callable[[Path, Any], Iterable[Any]]


def _no_others(_path: Path, _value: Any) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True)
class Mutant:
    """One file's values with one thing changed, and what was changed."""

    file: str
    path: Path
    said: str
    value: Any


def mutants(
    file: str, value: Any, prose: Collection[str] = PROSE, others: Others = _no_others
) -> Iterator[Mutant]:
    """Every mutant of a file's plain values; ``others`` adds values for the node at a path."""
    for path, inner in _nodes(value, (), prose):
        place = ".".join(map(str, path))
        yield Mutant(file, path, f"delete {place}", _changed(value, path, None))
        for other in (*_altered(path, inner), *others(path, inner)):
            said = f"{place}: {inner} becomes {other}"
            yield Mutant(file, path, said, _changed(value, path, other))


def _nodes(value: Any, path: Path, prose: Collection[str]) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        steps: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, tuple):
        steps = list(enumerate(value))
    else:
        return
    for step, inner in steps:
        at = (*path, step)
        if step == "cites":
            yield at, inner
        elif step not in prose:
            yield at, inner
            yield from _nodes(inner, at, prose)


def _altered(path: Path, value: Any) -> Iterator[Any]:
    key = next(step for step in reversed(path) if isinstance(step, str))
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, date):
        yield value + timedelta(days=400)
    elif key == "precision":
        yield "P5" if value != "P5" else "P4"
    elif key in OTHERWISE and isinstance(value, str):
        yield OTHERWISE[key] if value != OTHERWISE[key] else "explicit"
    elif isinstance(value, str):
        head, _, tail = value.partition(" ")
        if head.isdecimal():
            yield f"{int(head) * 2} {tail}"
        elif head in ("round", "bucket", "thin"):
            number, _, unit = tail.partition(" ")
            yield f"{head} {float(number) * 2:g} {unit}"


def _changed(value: Any, path: Path, other: Any) -> Any:
    """A copy with the node at the path replaced, or removed where ``other`` is None."""
    step, *rest = path
    if isinstance(value, dict):
        copy = dict(value)
        if rest:
            copy[str(step)] = _changed(value[step], tuple(rest), other)
        elif other is None:
            del copy[str(step)]
        else:
            copy[str(step)] = other
        return copy
    items = list(value)
    if rest:
        items[int(step)] = _changed(items[int(step)], tuple(rest), other)
    elif other is None:
        del items[int(step)]
    else:
        items[int(step)] = other
    return tuple(items)


def document_with(document: Document, mutant: Mutant) -> Document | None:
    """The document with one file's values replaced; None where its model refuses them."""
    folder, _, name = mutant.file.rpartition("/")
    model = MODELS[folder] if folder else TOPS[name][1]
    places = Places({}, {})
    content: Any = validate(model, mutant.file, mutant.value, places, Findings())
    if content is None:
        return None
    sheet: Any = Sheet(mutant.file, content, places)
    if folder == "purposes":
        pages = tuple(sheet if p.file == mutant.file else p for p in document.purposes)
        return replace(document, purposes=pages)
    if folder == "notices":
        stem = name.removesuffix(".yaml")
        return replace(document, notices={**document.notices, stem: sheet})
    changes: dict[str, Any] = {TOPS[name][0]: sheet}
    return replace(document, **changes)


def survey(only: str = "") -> dict[str, Any]:
    """How many mutants were noticed, of how many; which survive, and which widen silently.

    A mutant widens if the plan allows more than before, found by doing it, or if undoing
    it does; it is silent if ``diff`` then shows no change that widens.
    """
    files = load_files(shipped_policy_path())
    document = parse(files)
    assert isinstance(document, Document)
    catalogue = load_catalogue()
    original = compile_plan(document, catalogue, Limits()).policy
    assert original is not None
    noticed = same = widening = 0
    survivors: list[str] = []
    silent: list[str] = []
    for file, text in files.items():
        if file.startswith("cases/") or only not in file:
            continue
        read = read_yaml(file, text, Findings())
        assert read is not None
        for mutant in mutants(file, read[0]):
            mutated = document_with(document, mutant)
            compiled = None if mutated is None else compile_plan(mutated, catalogue, Limits())
            version = None if compiled is None else compiled.policy
            if version is None:
                noticed += 1
                continue
            for old, new in ((original, version), (version, original)):
                if wider(old.plan, new.plan):
                    widening += 1
                    if not any(change.widens for change in diff(old, new).changes):
                        silent.append(f"{file}: {mutant.said}")
            if version.plan.digest == original.plan.digest:
                same += 1
            elif run_cases(version).failed:
                noticed += 1
            else:
                survivors.append(f"{file}: {mutant.said}")
    return {
        "mutants": noticed + len(survivors),
        "noticed": noticed,
        "same_plan": same,
        "survivors": survivors,
        "widening": widening,
        "silent": silent,
    }


def main(only: str = "") -> int:
    """Print the figures, survivors and silent ones; 0 if 95 % were noticed and none is silent."""
    found = survey(only)
    for name in ("survivors", "silent"):
        for mutant in found[name]:
            sys.stdout.write(f"{name}: {mutant}\n")
    share = 100 * found["noticed"] / found["mutants"]
    sys.stdout.write(f"{found['mutants']} mutants, {found['noticed']} noticed: {share:.1f} %; ")
    sys.stdout.write(f"{found['same_plan']} more compile to the same plan; ")
    sys.stdout.write(f"{found['widening']} widenings, {len(found['silent'])} silent\n")
    return 0 if share >= 95 and not found["silent"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
