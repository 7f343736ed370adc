"""Every file that is given is read, or refused with the way in for what it holds."""

from pathlib import Path

import pytest

from ingest.logs.capture import Capture
from ingest.refused import Refused
from tests.ingest.captures import SHARED

MDF_3 = b"MDF     3.30\0\0\0\0amdf8.8.\0\0\0\0"
STRANGERS: dict[str, tuple[str | bytes, str]] = {
    "BUSMASTER": ("***BUSMASTER Ver 3***\n", "BUSMASTER log: .*SavvyCAN"),
    "GVRET": ("Time Stamp,ID,Extended,Dir,Bus,LEN,D1\n1,123,false,Rx,0,1,01\n", "GVRET.*SavvyCAN"),
    "CRTD": ("1795946400.811100 1R11 123 88 13\n", r"CRTD log \(OVMS\): .*SavvyCAN"),
    "CRTD without a bus": ("166.0 CXX GVRET\n166.0 R29 0000021A FE 36 \n", "CRTD.*SavvyCAN"),
    "CANHacker": ("Time     ID        DLC       Data\n11,201 123 1 88\n", "CANHacker.*SavvyCAN"),
    "python-can CSV": ("timestamp,arbitration_id,extended,remote,error,dlc,data\n", "logconvert"),
    "SQLite": (b"SQLite format 3\0" + bytes(84), "can_logconvert"),
    "MDF 3": (MDF_3, r"MDF 3\.30.*only MDF 4.*bus logging"),
    "TRC 1.2": (";$FILEVERSION=1.2\n", r"TRC of version 1\.2.*2\.1 are read: save it as"),
    "gzip": (b"\x1f\x8b\x08\0", "gzip.*unpack"),
    "ZIP": (b"PK\3\4" + bytes(40), "ZIP.*unpack"),
    "pcapng": (b"\x0a\x0d\x0d\x0a" + bytes(20), "pcapng.*SavvyCAN"),
    "DBC": ('VERSION ""\n\nBO_ 1 A: 8 N\n', "CAN database.*--dbc"),
    "DBC with a mark": ('\ufeffVERSION ""\n', "CAN database.*--dbc"),
    "KCD": ('<?xml version="1.0"?>\n<NetworkDefinition>', "CAN database.*--dbc"),
    "SYM": ('FormatVersion=6.0\nTitle="x"\n', "CAN database.*--dbc"),
    "map": ("# mine\nmap: m\ntitle: x\nsignals:\n  A.B: {}\n", "map of signals.*--map"),
    "envelope": ('{"v": 1, "id": "x", "series": {}}\n', "envelope.*roadfade publish"),
    "OpenXC": ('{"name":"vehicle_speed","value":0}\n', "OpenXC.*roadfade publish"),
    "OpenXC spaced": ('{"name": "x", "value": "up", "event": "y"}\n', "OpenXC"),
    "JSON": ('[{"speed": 1}]\n', "JSON.*roadfade publish"),
    "GPX": ('<?xml version="1.0"?>\n<gpx version="1.1">\n', "GPX.*roadfade publish"),
    "table": ("Date,Time,Soc,Speed\n1,2,3,4\n", "table.*roadfade publish"),
    "prose": ("# Drives\n\nOf last week.\n", "no known form.*SavvyCAN"),
    "nothing": ("", "no known form.*empty"),
    "garbage": (bytes(range(128, 256)) * 8, "no known form"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_strange_file_is_refused_with_the_way_in(tmp_path: Path, name: str) -> None:
    content, said = STRANGERS[name]
    path = tmp_path / "x.log"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Refused, match=said) as told:
        Capture(path)
    assert str(told.value).startswith("x.log is ")


def test_a_measurement_without_a_bus_is_refused(tmp_path: Path) -> None:
    import numpy as np  # noqa: PLC0415  # of the extra mf4
    from asammdf import MDF, Signal  # noqa: PLC0415

    path = tmp_path / "x.mf4"
    with MDF(version="4.10") as mdf:
        mdf.append([Signal(np.array([1.0]), np.array([0.0]), name="speed")])
        mdf.save(path)
    with pytest.raises(Refused, match=r"measured signals and no CAN frames: export"):
        list(Capture(path).frames())


FILES = sorted(path for path in SHARED.rglob("*") if path.is_file()) if SHARED.is_dir() else []
READ = {".MF4": 5, ".log": 1}
"""How many of the recorded files are captures that are read, by suffix."""


@pytest.mark.shared_data
@pytest.mark.skipif(not FILES, reason="recorded drives not at hand")
def test_every_recorded_file_is_read_or_refused_with_the_way_in() -> None:
    found: dict[str, int] = {}
    refusals = []
    for path in FILES:
        try:
            capture = Capture(path)
            frames = sum(1 for _ in capture.frames())
        except Refused as refused:
            refusals.append(str(refused))
            continue
        assert frames > 0
        assert (capture.counts.bad, capture.counts.truncated) == (0, False), path.name
        found[path.suffix] = found.get(path.suffix, 0) + 1
    assert found == READ
    ways = ("SavvyCAN", "--dbc", "roadfade publish")
    assert [said for said in refusals if not any(way in said for way in ways)] == []
