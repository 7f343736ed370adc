//! Whatever bytes come, as tables, as what is taught or as envelopes: nothing panics.

use proptest::prelude::*;
use roadfade_core::people::People;
use roadfade_core::people::control_row::Words;
use roadfade_core::people::usual_rows::{Change, Place};
use roadfade_core::purpose_record::{Record, Sink};
use roadfade_core::room::Room;
use roadfade_core::time_state::TimeState;
use roadfade_core::usual_path::UsualPath;

struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: &Record<'_>) {}
}

/// A path of the least tables (in `MessagePack`): no signal, no route.
fn least_path() -> Result<UsualPath, TestCaseError> {
    let none: [&str; 0] = [];
    let (signals, sources) = (["Vehicle.Speed"], ["obd"]);
    let tables = (2, none, signals, (), Some(0), sources, true, 1, none, 4, 4, 4);
    let tables = rmp_serde::to_vec(&tables).unwrap_or_default();
    UsualPath::new(&tables)
        .ok_or_else(|| TestCaseError::fail("these are no tables of this version"))
}

fn feed(path: &mut UsualPath, value: &[u8]) {
    let mut state = TimeState::new(vec![], 1, Room::new(9));
    let mut h3 = |_: f64, _: f64, _: u8, _: &mut Vec<u8>| Ok(());
    let _ = path.run(value, 0, 0, &mut state, &mut h3, &mut Nowhere);
}

const ENVELOPE: &[u8] =
    br#"{"v":1,"id":"01K00000000000000000000001","device":"d","source":"obd","clock":
{"t0":"2026-11-20T10:15:30.5Z"},"dtc":["P0301"],"series":{"Vehicle.Speed":{"unit":"km/h",
"dt":[0,1],"value":[1.50,-2e1]}},"trip":{"id":"t","started":"2026-11-20T10:15:30Z"}}"#;

const KEY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYA";
const CONSENT: &[u8] = br#"{"kind":"consent","consent":"ABCDEFGHIJKLMNOPQRSTUVWXYA","subject":"s",
"purpose":"p","basis":"b","recipient":null,"notice":"n@1","from_ms":1,"to_ms":null}"#;

/// Whether a row is usual, to somebody who knows nobody.
fn is_usual(key: &[u8], value: &[u8]) -> bool {
    let words = Words { roles: vec!["r".into()], bases: vec!["b".into()] };
    let place = Place {
        mark: b'c',
        registrations: true,
        links: true,
        consents: true,
        partition: 0,
        partitions: 1,
    };
    let mut people = People::new(words, 9);
    let usual = people.take_usual(&place, key, value, &mut Change::default()).is_ok();
    let marked = [b"c", key].concat();
    usual && people.withhold(&marked) && people.apply(&marked, None).is_ok()
}

fn whole_consent() -> Vec<u8> {
    CONSENT.iter().copied().filter(|&byte| byte != b'\n').collect()
}

#[test]
fn the_row_that_is_damaged_below_is_usual() {
    assert!(is_usual(KEY, &whole_consent()));
}

proptest! {
    #[test]
    fn random_rows(key in proptest::collection::vec(any::<u8>(), 0..40), value in any::<Vec<u8>>()) {
        prop_assert!(!is_usual(&key, &value));
    }

    #[test]
    fn damaged_rows(place in 0..whole_consent().len(), byte in any::<u8>()) {
        let mut damaged = whole_consent();
        if let Some(there) = damaged.get_mut(place) {
            *there = byte;
        }
        is_usual(KEY, &damaged);
    }

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(UsualPath::new(&bytes).is_none());
        let mut path = least_path()?;
        feed(&mut path, &bytes);
        path.teach_device(b"d", &bytes);
        path.teach_minute(0, &bytes);
        path.teach_column_plan(0, &[], &bytes);
    }

    #[test]
    fn damaged_envelopes(places in proptest::collection::vec((0..ENVELOPE.len(), any::<u8>()), 0..4)) {
        let mut path = least_path()?;
        let mut damaged = ENVELOPE.to_vec();
        for (place, byte) in places {
            if let Some(there) = damaged.get_mut(place) {
                *there = byte;
            }
        }
        feed(&mut path, &damaged);
    }
}
