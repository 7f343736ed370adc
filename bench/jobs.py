"""Every job that is measured, by its name: under which policy, and how large an envelope is.

The fixed job has three outputs; others differ from it in one thing. Those under the shipped policy
are about people who agreed to all that it asks for.
"""

import re
import shutil
import tempfile
from pathlib import Path
from string import ascii_lowercase
from typing import Final, NamedTuple

from bench.fleet import READINGS
from bench.job import (
    DEVICES,
    POLICY,
    PURPOSES,
    SINCE_MS,
    everybody,
)
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.people import People
from processors.routes import Route
from roadfade.in_force.plans import compile_policy
from roadfade.settings import Settings
from telemetry.identity import SubjectId
from telemetry.wire.control import ConsentInterval


class Job(NamedTuple):
    """What distinguishes a job; everything else is as in the fixed one."""

    readings: int
    """In one envelope."""
    outputs: int | None = len(PURPOSES)
    """Of the policy made for measuring; None stands for the shipped policy."""


COPIED: Final = "ab"
"""Purposes whose pages are written again, in turn, if a job has more outputs than three."""
FIXED: Final = "fixed"
SIZES: Final = (10, 60, 200)
FAN_OUTS: Final = (1, 3, 8)
JOBS: Final = {
    FIXED: Job(READINGS),
    **{f"readings-{size}": Job(size) for size in SIZES if size != READINGS},
    **{f"fan-out-{n}": Job(READINGS, n) for n in FAN_OUTS if n != len(PURPOSES)},
    **{f"shipped-{size}": Job(size, None) for size in SIZES},
}


def named(job: Job) -> str:
    """The name of a job; that of the fixed one if it is no other."""
    return next(name for name, one in JOBS.items() if one == job)


def plan_of(job: Job) -> Plan:
    """The job's compiled policy; NotReady if a document has errors."""
    if job.outputs is None:
        return compile_policy(Settings(policy=None), Limits())
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-policy-") as folder:
        written = Path(folder) / "policy"
        write_policy(written, job.outputs)
        return compile_policy(Settings(policy=written), Limits())


def write_policy(folder: Path, outputs: int) -> None:
    """Write a policy of so many purposes, at most 26, to a folder that does not exist yet."""
    shutil.copytree(POLICY, folder)
    for place, purpose in enumerate(ascii_lowercase[: max(outputs, len(PURPOSES))]):
        if place >= outputs:
            for page in _pages(folder, purpose):
                page.unlink()
        elif place >= len(PURPOSES):
            model = COPIED[place % len(COPIED)]
            for page, copy in zip(_pages(folder, model), _pages(folder, purpose), strict=True):
                copy.write_text(_renamed(page.read_text("utf-8"), model, purpose), "utf-8")


def _pages(folder: Path, purpose: str) -> list[Path]:
    return [
        folder / "purposes" / f"{purpose}.yaml",
        folder / "cases" / f"{purpose}.yaml",
        folder / "notices" / f"{purpose}@1.yaml",
    ]


def _renamed(text: str, model: str, purpose: str) -> str:
    """A page under another purpose's name: its id, its titles and its notice."""
    text = re.sub(rf"\b{model}@1", f"{purpose}@1", text)
    text = re.sub(rf"^purpose: {model}$", f"purpose: {purpose}", text, flags=re.MULTILINE)
    return text.replace(f"目的{model}", f"目的{purpose}").replace(
        f"Purpose {model}", f"Purpose {purpose}"
    )


def people_of(job: Job, routes: tuple[Route, ...]) -> People:
    """Everybody; under the shipped policy they are its drivers, and agreed to all it asks for."""
    if job.outputs is not None:
        return everybody()
    people = everybody("driver")
    asked = {
        (route.output.purpose, kind, route.output.recipient, route.basis.notice)
        for route in routes
        if (kind := route.basis.consent) is not None
    }
    for place, (purpose, kind, recipient, notice) in enumerate(sorted(asked)):
        for number in range(DEVICES):
            row_id = f"agreed-{place}-{number}"
            row = ConsentInterval(
                row_id, SubjectId(f"subject-{number}"), purpose, kind, recipient, notice,
                SINCE_MS, None,
            )  # fmt: skip
            people.apply(row_id.encode(), row)
    return people
