"""Makes a published version ready to process batches."""

import asyncio
import logging

from bus.failures import BrokerError
from bus.partitions import partition_for
from bus.ports import Broker
from policy.plan.plan import Plan
from processors.core_path import core_path
from processors.device_answers import ANSWERS_KEPT_MAX
from processors.people import People
from processors.processor import Processor
from processors.program import build_program
from roadfade.in_force.broker import partitions_of
from roadfade.in_force.plans import Plans
from roadfade.processes.say_once import SayOnce
from roadfade.processes.starting import tell_in_force
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.remembered import ReadyVersion
from roadfade.processes.worker.series import bear_outputs
from roadfade.refusal import NotReady
from telemetry.wire.publication import Publication

logger = logging.getLogger(__name__)


class VersionPreparer:
    """Compiles versions and finds their topics; logs once why one cannot be made ready."""

    def __init__(
        self,
        broker: Broker,
        plans: Plans,
        people: People,
        keys: KeyCache,
        answers_kept_max: int = ANSWERS_KEPT_MAX,
    ) -> None:
        self._broker = broker
        self._plans = plans
        self._people = people
        self._keys = keys
        self._answers_kept_max = answers_kept_max
        self._say = SayOnce(logger)

    async def make(self, publication: Publication) -> ReadyVersion | None:
        """The version, ready; None if it does not hold here or its topics are not there yet."""
        try:
            plan = await asyncio.to_thread(self._plans.plan, publication)
        except NotReady as refusal:
            self._refuse(publication, str(refusal))
            return None
        partitions = await self._partitions(plan)
        if partitions is None:
            self._refuse(publication, "the office has not created its topics yet")
            return None
        program = await asyncio.to_thread(build_program, plan)
        processor = Processor(
            program,
            self._people,
            self._keys,
            lambda topic, key: partition_for(key, partitions[topic]),
            self._answers_kept_max,
        )
        return ReadyVersion(program, processor, core_path(processor))

    async def _partitions(self, plan: Plan) -> dict[str, int] | None:
        try:
            async with self._broker.admin() as admin:
                return await partitions_of(admin, plan)
        except (BrokerError, TimeoutError, OSError):
            return None

    def _refuse(self, publication: Publication, why: str) -> None:
        number = publication.version
        self._say(f"policy version {number} does not take over yet: {why}", about=number)


def announce_version(ready: ReadyVersion) -> None:
    """Say which version this process applies from now on."""
    bear_outputs(ready.program.plan)
    tell_in_force(ready.program.plan.policy_version)
