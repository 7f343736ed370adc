"""The yardstick: a bare aiokafka loop that reads the same records and writes as many bytes.

For each record it appends what the processors made of the first envelope of that device: same
topics, partitions, keys, headers, sizes. It decodes nothing and decides nothing. The light one
appends the values alone, without key and headers: less cannot be done with this client.
"""

from bench.fleet import envelopes
from bench.job import DEVICES, NOW_MS, PARTITIONS, SeededKeyring, raw_key
from bench.jobs import JOBS, people_of, plan_of
from bench.metering import Figures, Meter
from bench.peers.bare_loop import Sent, carry
from bench.peers.task import Task
from bus.partitions import partition_for
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeysNeeded
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.processes.worker.key_cache import KeyCache


async def templates(task: Task, *, light: bool) -> dict[bytes, list[Sent]]:
    """The outputs of a device, by raw key, with the names of the task's topics."""
    job = JOBS[task.job]
    program = build_program(plan_of(job))
    keys = KeyCache(SeededKeyring())
    people = people_of(job, program.routes)
    processor = Processor(program, people, keys, lambda _, key: partition_for(key, PARTITIONS))
    made: dict[bytes, list[Sent]] = {}
    for name, value in envelopes(DEVICES, readings=job.readings):
        while True:
            try:
                state = program.empty_state(Room(10_000))
                outputs = processor.process(value, NOW_MS, NOW_MS, Tally(program), state)
            except KeysNeeded as needed:
                await keys.fetch(needed.names)
            else:
                break
        made[raw_key(name)] = [
            (
                task.target + o.topic, o.partition, None if light else o.key, o.value,
                [] if light else o.headers,
            )
            for o in outputs
        ]  # fmt: skip
    return made


async def run(task: Task, *, light: bool = False) -> Figures:
    """Copy the task's records."""
    copies = await templates(task, light=light)
    meter = Meter(task.records, JOBS[task.job].readings)
    return await carry(task, meter, lambda record: copies[record.key])
