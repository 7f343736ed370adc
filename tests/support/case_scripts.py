"""The scripts among the cases, run as they were given: they name modules as they lay then.

In: a script. Out: what it prints. Old names stand for what the same thing is called now; where its
shape has changed since, a few lines here give it the old one. Nothing of a script is altered.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
STREAM: Final = REPOSITORY.parent / "shared" / "cases" / "stream"

_OLD_NAMES: Final = """
import runpy, sys, types
from pathlib import Path

def stand_in(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module

from policy.compiler.compile import compile_plan
from policy.language.parse import parse
from policy.plan.limits import Limits
stand_in("policy.compile", compile_plan=compile_plan)
stand_in("policy.parse", parse=parse)
stand_in("policy.limits", Limits=Limits)

from policy.vocabulary.operations import Bucket, apply
stand_in("policy.arithmetic", bucket=lambda value, width: apply((Bucket(width),), value))

import office.registry
from office.registry.registry import Registry
from office.store.database import Database as Store, make_office
from policy.plan.consents import grantable

class Database:
    @staticmethod
    async def open(url):
        file = Path(url.partition(":///")[2])
        await make_office(file)
        return await Store.open(file)

stand_in("office.database", Database=Database)
stand_in("office.grantable", grantable=grantable)
office.registry.Registry = Registry

import sinks.lake, sinks.query
from sinks.lake.deletion.expire import expire_due, overdue
from sinks.lake.lake import Lake, LakeSettings
from sinks.query.session import run_query
stand_in("sinks.expire", sweep=expire_due, overdue=overdue)
sinks.lake.Lake, sinks.lake.LakeSettings = Lake, LakeSettings
sinks.query.run_query = run_query

sys.path.insert(0, str(Path(sys.argv[1]).parent))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run_case(name: str, folder: Path) -> list[str]:
    """The lines that a script of the stream's cases prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", _OLD_NAMES, str(STREAM / name)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()
