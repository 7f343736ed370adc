"""What a cell does to one signal: `"*"` first, then the closest other line, then the space."""

from policy.compiler.context import PlacedCell
from policy.language.problems import Findings
from policy.vocabulary.operation_words import Spoken
from policy.vocabulary.operations import PAIR, Keep, Operation, misfit, parts_of
from policy.vocabulary.patterns import closest
from policy.vocabulary.position import mesh_in, mesh_of, placed, withholds
from policy.vocabulary.terms import Where
from policy.vocabulary.words import Space, format_space
from telemetry.signals import Kind, Signal

EVERY = "*"


def operations(
    at: PlacedCell, signal: Signal, space: Space, findings: Findings
) -> tuple[Operation, ...]:
    """The signal's operations in order, thinning first; errors name the line that is wrong."""
    cell, where = at.cell, at.where
    own = closest((key for key in cell.do if key != EVERY), signal.path)
    keys = [key for key in (EVERY, own) if key is not None and key in cell.do]
    written = [(key, i, spoken) for key in keys for i, spoken in enumerate(cell.do[key])]
    for key, index, spoken in written:
        _check(signal, spoken, where("do", key, index), findings)
    plain = [spoken.operation for _, _, spoken in written if spoken.operation != Keep()]
    chosen = placed(signal, space, tuple(sorted(plain, key=lambda op: not parts_of((op,)).thin)))
    place = where("do", own) if own is not None else where("precision")
    _check_together(signal, chosen, space, own, place, findings)
    return chosen or (Keep(),)


def _check(signal: Signal, spoken: Spoken, where: Where, findings: Findings) -> None:
    wrong = misfit(spoken.operation, signal)
    if wrong is None and spoken.unit not in (None, signal.unit):
        right = f"{spoken.words.removesuffix(spoken.unit or '')}{signal.unit}".strip()
        wrong = f"{signal.path} is measured in {signal.unit or 'no unit'}", f"write `{right}`"
    if wrong is not None:
        message, remedy = wrong
        findings.error(where, message, spoken.words, remedy)


def _check_together(
    signal: Signal,
    chosen: tuple[Operation, ...],
    space: Space,
    own: str | None,
    where: Where,
    findings: Findings,
) -> None:
    if withholds(chosen):
        return
    parts = parts_of(chosen)
    if len(parts.thin) > 1:
        findings.error(where, f"{signal.path} is thinned twice", "", "keep one `thin`")
    if len(parts.meshes) > 1 or (parts.meshes and parts.steps):
        message = f"{signal.path} is treated beside its mesh"
        remedy = "the precision's mesh is enough: leave only `thin` here"
        findings.error(where, message, format_space(space), remedy)
    coarse = mesh_of(space) is not None
    if coarse and signal.kind is Kind.POSITION and not parts.meshes and own is None:
        message = f"{signal.path} would reveal more of the position than the mesh does"
        remedy = f"give it an operation: `do: {{{signal.path}: drop}}`"
        findings.error(where, message, format_space(space), remedy)


def check_pair(treated: dict[str, tuple[Operation, ...]], where: Where, findings: Findings) -> None:
    """Latitude and longitude share a mesh, or neither has one: half a pair makes no cell."""
    pair = [treated.get(path) for path in PAIR]
    meshed = any(ops is not None and mesh_in(ops) is not None for ops in pair)
    if meshed and pair[0] != pair[1]:
        remedy = "treat latitude and longitude alike, in one cell"
        findings.error(where, "a mesh needs latitude and longitude together", "", remedy)
