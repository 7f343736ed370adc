"""Records at which a process dies: no product code knows of it, a start hook in a folder does.

In: a folder. Out: the variables of a process that kills itself (SIGKILL) when it meets a record that
holds a mark, before it does anything with it. A process without them is as ever.
"""

from pathlib import Path
from textwrap import dedent
from typing import Final

import tests

ROOT: Final = Path(tests.__file__).parent.parent
HOOK: Final = dedent(
    '''
    """Ends this process at a record that holds the mark, as a fault in a library would."""

    import os
    import signal

    MARK = os.environ["DEADLY_MARK"].encode()


    def deadly(record):
        held = [record.value or b"", *[value for _, value in record.headers]]
        if any(MARK in one for one in held):
            with open(os.environ["DEADLY_DEATHS"], "ab") as deaths:
                deaths.write(b".")
            os.kill(os.getpid(), signal.SIGKILL)


    if os.environ["DEADLY_ROLE"] == "worker":
        from roadfade.processes.worker.batch_handler import BatchHandler

        handle = BatchHandler.handle

        async def handled(self, partition, records):
            for record in records:
                deadly(record)
            return await handle(self, partition, records)

        BatchHandler.handle = handled
    else:
        from sinks.lake import lake

        admit = lake.admit_record

        def admit_record(records, output, position, *rest):
            # Whichever way it is read, in Python or in the core; what is durable is not read.
            for record in records:
                if position is None or record.offset >= position:
                    deadly(record)
            return admit(records, output, position, *rest)

        lake.admit_record = admit_record
    '''
)


def dying_at(folder: Path, role: str, mark: str) -> dict[str, str]:
    """The variables of a process of this role that dies at each record with the mark."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    return {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "DEADLY_ROLE": role,
        "DEADLY_MARK": mark,
        "DEADLY_DEATHS": str(folder / "deaths"),
    }


def deaths_in(folder: Path) -> int:
    """How often a process died so."""
    file = folder / "deaths"
    return len(file.read_bytes()) if file.exists() else 0
