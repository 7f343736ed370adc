import json

from ingest.signal_list import find, span, to_json
from tests.ingest.captures import CATALOGUE


def test_a_query_finds_by_every_word_in_any_field() -> None:
    assert [s.path for s in find(CATALOGUE, "coolant CELSIUS main")] == []
    assert [s.path for s in find(CATALOGUE, "state charge current")] == [
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"
    ]
    assert {s.path for s in find(CATALOGUE, "RPM obd")} == {"Vehicle.OBD.EngineSpeed"}
    assert len(find(CATALOGUE, "position")) > 8


def test_no_query_lists_everything_in_order() -> None:
    paths = [s.path for s in find(CATALOGUE)]
    assert len(paths) == len(CATALOGUE)
    assert paths == sorted(paths)


def test_a_row_says_what_values_it_takes() -> None:
    assert span(CATALOGUE["Vehicle.Speed"]) == "0 to 400"
    assert span(CATALOGUE["Vehicle.IsMoving"]) == "true | false"
    assert span(CATALOGUE["Vehicle.CurrentLocation.Mesh"]) == "never from a device"
    assert span(CATALOGUE["Vehicle.OBD.DTCList"]) == "the envelope's dtc"
    assert span(CATALOGUE["Vehicle.CurrentLocation.GNSSReceiver.FixType"]).startswith("NONE | ")


def test_the_list_for_programs_is_one_json_object() -> None:
    listed = json.loads(to_json(find(CATALOGUE, "fuel level"), CATALOGUE.version))
    assert listed["version"] == "vss-6.0+roadfade.1"
    assert listed["signals"][0]["obd"] == "FUEL_LEVEL"
