"""One envelope in, what remains of it out: attribute, permit, minimise, pseudonymise.

``process`` is a pure function of the envelope's bytes, the views handed over, two instants and
the state of rules over time; what it keeps between calls are answers it would give again. Outcomes
are records for outputs, counts in the tally (nothing is both, nothing is lost), and another state.
The state depends on the log and the plan alone: it is asked before anyone is, and so also for
readings that nobody may have.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from policy.plan.epochs import TRIP_MS_MAX
from processors.admission.admitted import Admitted
from processors.admission.exact_path import admit, out_of_scope, unregistered
from processors.admission.readings import Readings
from processors.choices import within
from processors.closing import Stretch, routes_by_stretches
from processors.device_answers import ANSWERS_KEPT_MAX, DeviceAnswer, DeviceAnswers
from processors.expiry import Expiry, ExpiryCache
from processors.leaving import Leaving, Part
from processors.minimise import Minimised, Minimiser
from processors.people import FOREVER_MS, People
from processors.program import Decision, Program
from processors.pseudonyms import Keys, LinkPseudonyms, PartitionOf, pseudonyms_for
from processors.reused_ids import RememberedIds, ReusedIds
from processors.state.port import TimeState
from processors.tally import Tally
from processors.thinning import choose
from telemetry.outcome import Rejected
from telemetry.wire.control import LinkInterval


class Processor:
    """Runs one program. Not thread-safe; one per worker, on its own loop."""

    def __init__(
        self,
        program: Program,
        people: People,
        keys: Keys,
        partition_of: PartitionOf,
        answers_kept_max: int = ANSWERS_KEPT_MAX,
    ) -> None:
        self.program = program
        self.answers = DeviceAnswers(people, program.routes, answers_kept_max)
        self._keys = keys
        self._partition_of = partition_of
        self._minimiser = Minimiser(program)
        self._expiry_cache = ExpiryCache(program.routes)
        self.ids: RememberedIds = ReusedIds()

    def process(
        self, value: bytes | None, received_ms: int, now_ms: int, tally: Tally, state: TimeState
    ) -> list[Minimised]:
        """Turn one raw record into purpose records; everything else is counted in ``tally``.

        ``received_ms`` is the broker's append time, ``state`` that of the record's partition.
        Raises KeysNeeded before anything but the envelope itself is counted or remembered of this
        record if an epoch has no key yet: throw the tally away then. Never raises for bad input.
        """
        tally.envelopes += 1
        tally.exact_path += 1
        verdict = admit(self.program, value, received_ms)
        if isinstance(verdict, Counter):
            tally.rejected.update(verdict)
            state.arrive(received_ms)
            return []
        refused = self._refused(verdict)
        parts = [] if refused else self._parts(verdict)
        done = [(part, *self._judged(part.admitted, received_ms, now_ms)) for part in parts]
        # Nothing is counted or remembered before all parts have their keys: it may be tried again.
        state.arrive(received_ms)
        choices = choose(
            self.program,
            verdict.device,
            verdict.t0_ms,
            self._readings(verdict),
            received_ms,
            state,
        )
        if refused:
            tally.rejected.update(refused)
            return []
        tally.rejected.update(verdict.rejected)
        tally.not_collected += verdict.not_collected
        tally.reused_ids += self.ids.reused(verdict.device, verdict.id, verdict.content)
        out = []
        whole = len(done) == 1
        seen: Counter[LinkInterval | None] = Counter()
        for part, known, decision, expiry in done:
            # Content and owner make a record's id; a number distinguishes a link's later parts.
            again = seen[known.permit.link]
            seen[known.permit.link] += 1
            suffix = b"/%d" % again if again else b""
            chosen = choices if whole else within(choices, verdict.t0_ms, part.holds)
            leaving = Leaving(
                part.admitted, part.admitted.content + suffix, known, decision, expiry, chosen,
                verdict.t0_ms,
            )  # fmt: skip
            if known.permit.stretches:
                out += self._around_what_is_erased(leaving, known.permit.stretches, tally)
            else:
                out += self._minimised(leaving, tally.row(decision))
        return out

    def _refused(self, admitted: Admitted) -> Counter[Rejected] | None:
        """Why nothing of the device's envelope is taken, whatever the envelope says."""
        refused = unregistered(self.answers.registered_ms(admitted.device), admitted)
        if refused is not None:
            return refused
        services = self.answers.services(admitted.device)
        return out_of_scope(self.program.plan, services, admitted)

    def takes(self, device: str) -> bool:
        """Whether a registered device's service is within the policy's scope."""
        return all(map(self.program.plan.takes_service, self.answers.services(device)))

    def _minimised(self, one: Leaving, row: list[int]) -> list[Minimised]:
        return self._minimiser.run(
            one.id, one.admitted.t0_ms, self._readings(one.admitted), one.known.pseudonyms,
            one.decision, one.expiry, one.choices, row,
        )  # fmt: skip

    def _around_what_is_erased(
        self, whole: Leaving, stretches: Sequence[Stretch], tally: Tally
    ) -> list[Minimised]:
        """Of a part that is erased here and there: count each stretch, and let the rest leave.

        What is left of a record leaves as one, under the id, pseudonym and end that it has if
        nothing is erased: where it is already, or if it comes again, it is known for the same.
        """
        for stretch in stretches:
            decision = self.program.decision_if_erased(whole.decision, stretch.erased)
            some = whole.only(stretch.holds)._replace(decision=decision, expiry=None)
            self._minimised(some, tally.row(decision))
        out = []
        every = frozenset(route.index for route in self.program.routes)
        for open_, routes in routes_by_stretches(stretches, whole.decision.active).items():
            decision = self.program.decision_if_erased(whole.decision, every - routes)
            some = whole.only(partial(_in_one_of, open_))
            counted_already = [0] * self.program.width
            out += self._minimised(some._replace(decision=decision), counted_already)
        return out

    def remember(self, value: bytes | None, received_ms: int, state: TimeState) -> None:
        """Let the state know of a record that was processed before, as ``process`` would."""
        verdict = admit(self.program, value, received_ms)
        state.arrive(received_ms)
        if isinstance(verdict, Admitted):
            readings = self._readings(verdict)
            choose(self.program, verdict.device, verdict.t0_ms, readings, received_ms, state)

    def forget_keys(self) -> None:
        """Let go of all that was computed of epoch keys: some of them are destroyed."""
        self.answers.forget()

    def basis(self) -> int:
        """Equal as long as all that was processed since ``settle`` would be decided the same."""
        return self.answers.basis()

    def settle(self) -> None:
        """What was processed until now is durable, or will be processed again."""
        self.answers.settle()

    def _judge(
        self, answer: DeviceAnswer, epoch_ms: int, start_ms: int, now_ms: int
    ) -> tuple[Decision, Expiry | None]:
        in_time, pseudonyms = self.in_time(answer, epoch_ms)
        if pseudonyms is None:
            return in_time, None
        expiry = self.expiry(start_ms)
        late = expiry.late(pseudonyms.stamps, now_ms)
        return self.program.decision_if_late(in_time, late) if late else in_time, expiry

    def expiry(self, start_ms: int) -> Expiry:
        """When lives that start at this instant end."""
        return self._expiry_cache.of(start_ms)

    def in_time(
        self, answer: DeviceAnswer, epoch_ms: int
    ) -> tuple[Decision, LinkPseudonyms | None]:
        """The decision if no route is late, and under which pseudonyms; None: no one is linked.

        Raises KeysNeeded if the epoch has no key yet.
        """
        permission = answer.permit
        if permission.link is None:
            return self.program.decision(linked=False), None
        pseudonyms = answer.pseudonyms
        if pseudonyms is None or not pseudonyms.from_ms <= epoch_ms < pseudonyms.to_ms:
            pseudonyms = answer.pseudonyms = pseudonyms_for(
                permission, self.program.routes, self._keys, self._partition_of, epoch_ms,
                self.program.plan.policy_version,
            )  # fmt: skip
            answer.in_time = None
        if answer.in_time is None:
            answer.in_time = self.program.decision(
                linked=True,
                granted=permission.granted,
                keyless=pseudonyms.keyless,
                barred=permission.barred,
                ended=permission.ended,
                objected=permission.objected,
                erased=permission.erased,
            )
        return answer.in_time, pseudonyms

    def _readings(self, part: Admitted) -> Readings:
        columns = {self.program.index[path]: c for path, c in part.columns.items()}
        present = tuple(sorted(columns))
        times = [columns[place].dt for place in present]
        values = [columns[place].value for place in present]
        low_ms = min((min(dt) for dt in times), default=0)
        high_ms = max((max(dt) for dt in times), default=0)
        return Readings(present, times, values, part.trouble_codes, low_ms, high_ms, part.singles)

    def _judged(
        self, part: Admitted, received_ms: int, now_ms: int
    ) -> tuple[DeviceAnswer, Decision, Expiry | None]:
        span = part.span_ms
        answer = None if span is None else self.answers.exact(part.device, *span, now_ms)
        if answer is None or span is None:
            msg = "an admitted part has readings and a registered device"
            raise AssertionError(msg)
        first_ms = min(part.t0_ms, span[0])
        epoch_ms = _epoch_instant(part.trip_started_ms, first_ms)
        decision, expiry = self._judge(answer, epoch_ms, min(first_ms, received_ms, now_ms), now_ms)
        return answer, decision, expiry

    def _parts(self, admitted: Admitted) -> list[Part]:
        """Split where the link changes, so that each part belongs to one person or to no one."""
        parts = []
        rest = admitted
        from_ms = -FOREVER_MS
        while (span := rest.span_ms) is not None:
            _, _, until_ms = self.answers.link_at(rest.device, span[0])
            if span[1] < until_ms:
                parts.append(Part(rest, from_ms, FOREVER_MS))
                break
            early, rest = rest.split(until_ms)
            parts.append(Part(early, from_ms, until_ms))
            from_ms = until_ms
        return parts


def _in_one_of(stretches: Sequence[Stretch], event_ms: int) -> bool:
    return any(one.holds(event_ms) for one in stretches)


def _epoch_instant(trip_started_ms: int | None, first_ms: int) -> int:
    """A trip keeps the epoch it started in; an impossible start does not count."""
    if trip_started_ms is not None and 0 <= first_ms - trip_started_ms <= TRIP_MS_MAX:
        return trip_started_ms
    return first_ms
