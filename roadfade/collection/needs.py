"""How often, and how finely, a signal is needed by all the routes that may keep it. Pure.

In: what these routes do to signals. Out: for each signal the rate and the precision that suffice.
What suffices changes nothing of what leaves: where that is not certain, every reading is needed,
as it was measured.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import gcd
from typing import Final

from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import PAIR, Bucket, Mesh, Round, ThinTime
from processors.column_operations import Valued
from processors.routes import Chain, Route
from telemetry.decimals import ratio
from telemetry.signals import Catalogue
from telemetry.wire.collection_list import ListedSignal

_AS_MEASURED: Final = None


def needs_of(routes: Iterable[Route], catalogue: Catalogue) -> tuple[ListedSignal, ...]:
    """Every signal that one of these routes keeps, by path."""
    chains: dict[str, list[Chain]] = {}
    for route in routes:
        for path, chain in route.chains.items():
            chains.setdefault(path, []).append(chain)
    return tuple(
        ListedSignal(
            path=path,
            rate_ms=_rate_ms(path, chains),
            precision=_precision(mine, catalogue[path].unit),
        )
        for path, mine in sorted(chains.items())
    )


def _rate_ms(path: str, chains: Mapping[str, Sequence[Chain]]) -> int | None:
    """The bins whose first readings are enough for each route: the widest that fit into all.

    Bins begin at multiples of their length, so that of a length into which all the others divide
    the first readings hold the first readings of those.
    """
    mine = list(chains[path])
    if path in PAIR:
        # A mesh is thinned by positions: a reading of one coordinate alone is none of them.
        mine = [chain for other in PAIR for chain in chains.get(other, ())]
        if any(chain.mesh is None for chain in mine):
            return None
    lengths = [chain.thin.every_ms for chain in mine if isinstance(chain.thin, ThinTime)]
    # What is counted, or not thinned at all, needs every reading.
    return gcd(*lengths) if len(lengths) == len(mine) else None


def _precision(chains: Sequence[Chain], unit: str) -> str | None:
    meshes = {chain.mesh for chain in chains}
    if meshes != {None}:
        return _mesh(meshes)
    treated = {_one_step(chain.values) for chain in chains}
    finest = min((step for step in treated if step is not None), key=_width, default=None)
    if finest is None or None in treated:
        return _AS_MEASURED
    if treated == {finest} or all(
        isinstance(step, Bucket) and _divides(finest, step) for step in treated
    ):
        return format_operation(finest, unit)
    return _AS_MEASURED


def _mesh(meshes: set[Mesh | None]) -> str | None:
    """A cell, if all routes make the same of a position."""
    only = next(iter(meshes))
    return format_operation(only) if len(meshes) == 1 and only is not None else _AS_MEASURED


def _one_step(values: Sequence[Valued]) -> Round | Bucket | None:
    """The one treatment of values there is; None: there is none, or one after the other."""
    steps = [step for step in values if isinstance(step, Round | Bucket)]
    return steps[0] if len(steps) == 1 else None


def _width(step: Round | Bucket) -> float:
    return step.width if isinstance(step, Bucket) else step.step


def _divides(fine: Round | Bucket, coarse: Round | Bucket | None) -> bool:
    """Whether values down to the next multiple of one lose nothing that the other keeps."""
    if not isinstance(fine, Bucket) or not isinstance(coarse, Bucket):
        return False
    (top, bottom), (wide_top, wide_bottom) = ratio(fine.width), ratio(coarse.width)
    return (wide_top * bottom) % (wide_bottom * top) == 0
