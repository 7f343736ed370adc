//! A small plan and its people, taught to a path, and what must hold of every record it leaves.

use roadfade_core::purpose_record::{Record, Sink};
use roadfade_core::room::Room;
use roadfade_core::time_state::TimeState;
use roadfade_core::usual_path::{Ask, UsualPath};
use serde_json::{Value, json};

/// 2026-11-20T12:00:00Z, about which the envelopes in `seeds` say something.
pub const NOW_MS: i64 = 1_795_176_000_000;
const TALLY_WIDTH: u32 = 24;
const LATITUDE: u16 = 1;
const LONGITUDE: u16 = 2;
/// Columns of the tally that hold numbers which some step makes coarser.
const COARSENED: [u16; 2] = [4, 5];
const THIRTY_DAYS_MS: i64 = 30 * 86_400_000;

/// A value as `processors.core_tables` would write it.
#[must_use]
pub fn packed(shape: &Value) -> Vec<u8> {
    rmp_serde::to_vec(shape).expect("a shape of JSON has one of MessagePack")
}

/// Tables with a signal of every kind.
#[must_use]
pub fn tables() -> Value {
    let float = |low: f64, high: f64| json!({"Float": {"low": low, "high": high}});
    json!({
        "version": 1,
        "signals": [
            {"path": "Vehicle.Belt", "unit": "", "kind": "Boolean"},
            {"path": "Vehicle.CurrentLocation.Latitude", "unit": "deg", "kind": float(-90.0, 90.0)},
            {"path": "Vehicle.CurrentLocation.Longitude", "unit": "deg", "kind": float(-180.0, 180.0)},
            {"path": "Vehicle.Gear", "unit": "", "kind": {"Word": ["D", "N", "R"]}},
            {"path": "Vehicle.Rpm", "unit": "rpm", "kind": {"Whole": {"low": -10, "high": 20_000}}},
            {"path": "Vehicle.Speed", "unit": "km/h", "kind": float(-250.0, 250.0)},
        ],
        "not_collected": ["Vehicle.Fuel"],
        "position": [LATITUDE, LONGITUDE],
        "trouble_codes": 6,
        "tally_width": TALLY_WIDTH,
        "topics": ["purpose.one", "purpose.two"],
        "minutes_kept_max": 64,
        "column_plans_kept_max": 64,
        "ids_kept_max": 64,
    })
}

/// A linked device that both routes are open to.
#[must_use]
pub fn device() -> Value {
    let stamp = |route: u32| {
        json!({
            "route": route, "partition": route, "text": "abcdefgh", "id_key": [1, 2, 3, 4],
            "fixed": [["purpose", [112]]], "own": [["consent", [99]]],
        })
    };
    json!({
        "registered_ms": NOW_MS - THIRTY_DAYS_MS,
        "from_ms": NOW_MS - THIRTY_DAYS_MS, "to_ms": NOW_MS + THIRTY_DAYS_MS,
        "now_from_ms": 0, "now_to_ms": NOW_MS + THIRTY_DAYS_MS,
        "decision": 0,
        "link": {
            "epoch_from_ms": NOW_MS - THIRTY_DAYS_MS, "epoch_to_ms": NOW_MS + THIRTY_DAYS_MS,
            "stamps": [stamp(0), stamp(1)],
        },
    })
}

/// Lives that begin in a minute: of the first route they end soon.
#[must_use]
pub fn minute(number: i64) -> Value {
    let first = number * 60_000 + 1_800_000;
    json!({
        "expires_at": [[49], [50]],
        "deadlines_ms": [first, first + THIRTY_DAYS_MS],
        "first_deadline_ms": first,
    })
}

/// Every operation there is, on the columns that are present.
#[must_use]
pub fn column_plan(present: &[u16]) -> Value {
    let at = |wanted: u16| present.iter().position(|&place| place == wanted);
    let (latitude, longitude) = (at(LATITUDE), at(LONGITUDE));
    let mut rules: Vec<Value> = (0..present.len())
        .map(|n| {
            let by = if n % 2 == 0 { json!({"Time": 10_000}) } else { json!({"Count": 3}) };
            json!({"rule": n, "by": by, "on": {"Column": n}})
        })
        .collect();
    let thin: Vec<Value> = (0..present.len())
        .map(|n| {
            json!({"source": n, "chosen": n, "thinned_slots": [7 + n], "not_rebuilt_slots": [14]})
        })
        .collect();
    let coarsened: Vec<usize> = COARSENED.iter().filter_map(|&place| at(place)).collect();
    let value: Vec<Value> = coarsened
        .iter()
        .map(|&n| {
            let half = json!({"top": 1, "bottom": 2, "half": true, "whole": false});
            let ten = json!({"top": 10, "bottom": 1, "half": false, "whole": true});
            json!({"source": present.len() + n, "steps": [half, ten]})
        })
        .collect();
    let first_mesh = 2 * present.len() + value.len();
    let mut mesh = vec![];
    let mut columns: Vec<Value> =
        (0..present.len()).map(|n| column(&format!("in.{n}"), n, false)).collect();
    if latitude.is_some() || longitude.is_some() {
        rules.push(json!({"rule": 9, "by": {"Time": 10_000}, "on": "Pairs"}));
        let slots = |first: u32| json!([first, first + 1]);
        for (chosen, jis_m) in [(Some(rules.len() - 1), Some(250)), (None, None)] {
            mesh.push(json!({
                "chosen": chosen, "thinned_slots": slots(15), "not_rebuilt_slots": slots(17),
                "jis_m": jis_m, "h3_resolution": 7,
                "unpaired_slots": slots(19), "off_grid_slots": slots(19),
            }));
        }
        columns.push(column("mesh", first_mesh, true));
    }
    let unions: Vec<Value> = (0..present.len())
        .map(|n| json!({"slot": 21, "source": n, "kept": [present.len() + n]}))
        .collect();
    let treated = (0..present.len() + value.len())
        .map(|n| column(&format!("out.{n}"), present.len() + n, false));
    json!({
        "rules": rules, "thin": thin, "value": value, "mesh": mesh, "unions": unions,
        "latitude": latitude, "longitude": longitude,
        "routes": [
            {"route": 0, "floor_ms": 1_000, "columns": columns, "trouble_codes": true},
            {"route": 1, "floor_ms": 60_000, "columns": treated.collect::<Vec<_>>(), "trouble_codes": false},
        ],
    })
}

fn column(name: &str, register: usize, mesh: bool) -> Value {
    let head = format!("\"{name}\":{{\"unit\":\"\",\"dt\":");
    json!({"head": head.as_bytes(), "register": register, "mesh": mesh})
}

/// An empty state with little room, so that it is full now and then.
#[must_use]
pub fn state() -> TimeState {
    TimeState::new(vec![600_000; 10], 600_000, Room::new(200))
}

/// Teach what is asked for; false if it is for the exact path.
pub fn teach(path: &mut UsualPath, ask: Ask) -> bool {
    match ask {
        Ask::Exact => false,
        Ask::Device { device: name, t0_ms, .. } => {
            // What is outside the taught interval would be asked for again without end.
            (t0_ms - NOW_MS).abs() < THIRTY_DAYS_MS / 2
                && path.teach_device(&name, &packed(&device()))
        }
        Ask::Minute(number) => path.teach_minute(number, &packed(&minute(number))),
        Ask::Late { decision, late } => {
            path.teach_late(decision, late, 1);
            true
        }
        Ask::ColumnPlan { decision, present } => {
            path.teach_column_plan(decision, &present, &packed(&column_plan(&present)))
        }
    }
}

/// A cell that stands for the one of the grid's own library.
///
/// # Errors
/// None.
pub fn any_cell<E>(latitude: f64, longitude: f64, _: u8, cell: &mut Vec<u8>) -> Result<(), E> {
    cell.extend_from_slice(if latitude < longitude { b"8730" } else { b"8731" });
    Ok(())
}

/// Reads every record back: it is JSON, its lists are equally long, and it counts its readings.
#[derive(Default)]
pub struct Reader {
    /// How many came.
    pub records: usize,
}

impl Sink for Reader {
    fn put(&mut self, record: &Record<'_>) {
        self.records += 1;
        let said: Value = serde_json::from_slice(record.value).expect("a record is JSON");
        let mut readings = said["dtc"].as_array().map_or(0, Vec::len);
        for (name, column) in said["series"].as_object().expect("series") {
            let times = column["dt"].as_array().expect("times");
            let values = column["value"].as_array().expect("values");
            assert_eq!(times.len(), values.len(), "a value without a time");
            readings += times.len() * if name == "mesh" { 2 } else { 1 };
        }
        assert_eq!(readings, record.readings, "another number of readings");
        assert!(readings > 0, "an empty record");
    }
}
