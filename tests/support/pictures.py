"""Pictures of the pages as people see them: ``python -m tests.support.pictures FOLDER``.

Chromium has to be installed. Each page is taken on a phone and at a desk, in both languages, to be
looked at; docs/images holds a few of them, with fewer colours. The drive is a simulated one, and the
difference is to a shipped policy that was stricter.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, get_args

from ingest.simulation.faults import NO_FAULTS
from ingest.simulation.fleet import Fleet
from office.erasure.certified import Certified, certified
from office.registry.erasure_requests import NewErasure
from policy.vocabulary.bilingual import Language
from roadfade.in_force.documents import shipped_policy_path
from roadfade.person.certificate import certificate_page
from telemetry.instants import DAY_MS, parse_instant
from telemetry.wire.envelope import encode_envelope
from tests.office.erasure.conftest import ANA, HORIZONS, SIGNING, Office
from tests.support.documents import policy_of
from tests.support.plans import PLAN

CHROMIUM: Final = "chromium"
PURPOSE: Final = "service_provision"
LOAD_S_MAX: Final = 60
SEED: Final = 7
ENVELOPES: Final = 60
STRICTER: Final = (
    ("purposes/service_improve.yaml", "at_most: 12 months", "at_most: 6 months"),
    ("purposes/third_party_provision.yaml", "precision: P3", "precision: P4"),
    ("purposes/device_engineering.yaml", "thin 10 s", "thin 1 min"),
    ("policy.yaml", "at_least: 10", "at_least: 9"),
)


class Screen(NamedTuple):
    """What a page is looked at on, in pixels."""

    name: str
    width: int
    height: int


SCREENS: Final = (Screen("phone", 390, 2400), Screen("desktop", 1280, 1600))


def commands(drive: Path, before: Path) -> dict[str, list[str]]:
    """The words after ``roadfade policy`` by the page's name."""
    return {
        "notice": ["notice"],
        "purpose": ["page", "--purpose", PURPOSE],
        "record": ["record"],
        "coverage": ["coverage"],
        "diff": ["diff", str(before)],
        "dry-run": ["dry-run", str(drive)],
    }


def pages(drive: Path, before: Path, folder: Path) -> Iterator[Path]:
    """Every page in both languages, written into the folder."""
    languages: tuple[Language, ...] = get_args(Language)
    for name, words in commands(drive, before).items():
        for language in languages:
            made = folder / f"{name}-{language}.html"
            asked = [*words, "--lang", language, "--html", str(made)]
            roadfade = Path(sys.executable).with_name("roadfade")
            # A difference that nobody has decided yet is an answer, too.
            subprocess.run([roadfade, "policy", *asked], check=False, capture_output=True)
            yield made
    found = asyncio.run(_certified(folder / "office"))
    for language in languages:
        made = folder / f"certificate-{language}.html"
        made.write_text(certificate_page(found, policy_of(), [PLAN], language), encoding="utf-8")
        yield made


async def _certified(folder: Path) -> Certified:
    """A request that was carried out to its end, of an office that the tests have, too."""
    office = Office(folder)
    await office.open()
    try:
        await office.furnish()
        asked = await office.ask(NewErasure("erase", ANA, "asked"))
        await office.run(asked.erasure)
        key = SIGNING.public_key().public_bytes_raw()
        return await certified(
            office.database, asked.erasure, SIGNING.sign, key, HORIZONS.view_ms, office.now_ms
        )
    finally:
        await office.database.close()


def picture(page: Path, screen: Screen, image: Path) -> None:
    """What this screen shows of the page; CalledProcessError if there is no picture."""
    with tempfile.TemporaryDirectory() as scratch:
        # No window is narrower than some 500 pixels: the page stands in a frame of the width.
        frame = Path(scratch) / "frame.html"
        frame.write_text(
            f'<body style="margin:0"><iframe src="{page.resolve().as_uri()}" style="border:0;'
            f'width:{screen.width}px;height:{screen.height}px"></iframe>',
            encoding="utf-8",
        )
        window = f"--window-size={max(screen.width, 500)},{screen.height}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", window]
        profile = f"--user-data-dir={scratch}/profile"
        shot = [CHROMIUM, *options, profile, f"--screenshot={image}", frame.as_uri()]
        subprocess.run(shot, check=True, capture_output=True, timeout=LOAD_S_MAX)


def drive(folder: Path) -> Path:
    """Ten minutes of one simulated vehicle, as 60 envelopes in a file."""
    begins_ms = parse_instant("2026-11-02T06:30:00Z")
    sent = islice(Fleet(1, SEED, NO_FAULTS).envelopes(begins_ms, begins_ms + DAY_MS), ENVELOPES)
    file = folder / "drive.ndjson"
    file.write_bytes(b"".join(encode_envelope(one) + b"\n" for one in sent))
    return file


def stricter(folder: Path) -> Path:
    """The shipped policy with shorter and coarser cells."""
    before = folder / "before"
    shutil.copytree(shipped_policy_path(), before, dirs_exist_ok=True)
    for file, now, was in STRICTER:
        text = (before / file).read_text(encoding="utf-8")
        (before / file).write_text(re.sub(now, was, text), encoding="utf-8")
    return before


def main(folder: Path) -> None:
    """Write each page and its pictures."""
    if shutil.which(CHROMIUM) is None:
        sys.exit(f"install {CHROMIUM}: nothing else takes the pictures")
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages(drive(folder), stricter(folder), folder):
        for screen in SCREENS:
            picture(page, screen, folder / f"{page.stem}-{screen.name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
