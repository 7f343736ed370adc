"""A map compared with its database, before anything is published.

In: a map, a database's messages. Out: a map that fits (bound_map.py); ``Refused`` if the map
names what the database has not, or what it has twice.
"""

from collections.abc import Mapping

from ingest.can.bits import decodable
from ingest.can.bound import Bound
from ingest.can.bound_map import BoundMap
from ingest.can.decode import Decoder
from ingest.can.layout import Layout, shape
from ingest.can.mapping import Entry, SignalMap
from ingest.can.no_value import fits, says_none
from ingest.can.units import meant_instead
from ingest.refused import Refused
from policy.vocabulary.nearest import nearest


def bind(signals: SignalMap, decoder: Decoder, bus: str | None = None) -> BoundMap:
    """Compare the map with the database; ``bus`` is that of entries which name none."""
    by_layout: dict[Layout, dict[str, Bound]] = {}
    for (message, name), mapped in signals.by_source.items():
        place = f"{signals.name}: {message}.{name}"
        found = _found(message, name, decoder, place)
        entry = mapped.entry
        of_bus = bus if entry.bus is None else str(entry.bus)
        for one in found:
            _check_signals(one, name, entry, place, decoder)
            bound = Bound(
                mapped,
                of_bus,
                one,
                one.signals[name][0],
                says_none(one.message, one.signals[name][0]),
            )
            _check_codes(bound, place)
            _check_unit(bound, place, decoder)
            by_layout.setdefault(one, {})[name] = bound
        _check_alike(found, {name, *_others(entry)}, place, decoder)
    _check_ids(by_layout, decoder, signals.name)
    return BoundMap(decoder, by_layout)


def _found(message: str, name: str, decoder: Decoder, place: str) -> list[Layout]:
    found = [one for one in decoder.layouts if one.name == message and name in one.signals]
    if not found:
        known = [f"{one.name}.{signal}" for one in decoder.layouts for signal in one.signals]
        near = nearest(f"{message}.{name}", known)
        hint = f", nearest {near}" if near else ""
        msg = f"{place} is not in {decoder.name}{hint}."
        raise Refused(msg)
    return found


def _others(entry: Entry) -> set[str]:
    """The other signals that the entry names."""
    named = {name for said in entry.invalid if isinstance(said, dict) for name in said}
    return named | ({entry.valid} if entry.valid is not None else set())


def _check_signals(one: Layout, own: str, entry: Entry, place: str, decoder: Decoder) -> None:
    for name in sorted({own, *_others(entry)} & one.signals.keys()):
        if not decodable(one.signals[name][0]):
            msg = (
                f"{place}: {one.name}.{name} is a float of {one.signals[name][0].length} bits in"
                f" {decoder.name}, and there is no such float: correct the database."
            )
            raise Refused(msg)
        if one.signals[name][0].conversion.scale == 0:
            msg = (
                f"{place}: {one.name}.{name} has the factor 0 in {decoder.name}, which makes"
                " every value the same: correct the database."
            )
            raise Refused(msg)
    for other in sorted(_others(entry)):
        if other not in one.signals:
            near = nearest(other, one.signals)
            hint = f", nearest {one.name}.{near}" if near else ""
            msg = f"{place} names {one.name}.{other}, which is not in {decoder.name}{hint}."
            raise Refused(msg)


def _check_codes(bound: Bound, place: str) -> None:
    """A code that its signal cannot hold would be passed over in silence."""
    own = bound.source.name
    entry = bound.mapped.entry
    listed = [("invalid", said) for said in entry.invalid]
    for key, said in [*listed, *(("valid_codes", code) for code in entry.valid_codes)]:
        for name, code in (said if isinstance(said, dict) else {own: said}).items():
            length = bound.of.signals[name][0].length
            if not fits(code, length):
                msg = f"{place}: {key}: {code} does not fit into the {length} bits of {name}."
                raise Refused(msg)


def _check_unit(bound: Bound, place: str, decoder: Decoder) -> None:
    """Miles in a path of kilometres would be numbers that look right."""
    signal, entry = bound.mapped.signal, bound.mapped.entry
    if not signal.is_number:
        return
    right = meant_instead(bound.source.unit, signal.unit, entry.factor, entry.offset)
    if right is not None:
        offset = f" and offset {right.offset:.6g}" if right.offset else ""
        msg = (
            f"{place}: {decoder.name} has it in {bound.source.unit}, and {signal.path} is in"
            f" {signal.unit}: give factor {right.factor:.7g}{offset}, or correct the unit in the"
            " database."
        )
        raise Refused(msg)


def _check_alike(found: list[Layout], names: set[str], place: str, decoder: Decoder) -> None:
    """One name twice is one signal only if both read alike."""
    for name in sorted(names):
        shapes = {shape(signal) for one in found for signal in one.signals[name]}
        if len(shapes) > 1:
            ids = " and ".join(f"0x{one.message.frame_id:X}" for one in found[:3])
            msg = (
                f"{place}: {decoder.name} has {name} more than once (message {ids}), with other"
                " bits or another scale each time: rename one in the database."
            )
            raise Refused(msg)


def _check_ids(
    by_layout: Mapping[Layout, Mapping[str, Bound]], decoder: Decoder, map_name: str
) -> None:
    """Two mapped messages of one id are told apart by their buses or not at all."""
    for several in decoder.by_id.values():
        taken: dict[str | None, Layout] = {}
        for one in several:
            for bus in {b.bus for b in by_layout.get(one, {}).values()}:
                rivals = taken if bus is None else {b: taken[b] for b in (bus, None) if b in taken}
                other = next((rival for rival in rivals.values() if rival is not one), None)
                if other is not None:
                    msg = (
                        f"{map_name}: {other.name} and {one.name} have one id in {decoder.name}:"
                        " name the bus of each, or keep one of them."
                    )
                    raise Refused(msg)
                taken[bus] = one
