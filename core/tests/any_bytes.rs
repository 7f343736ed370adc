//! Whatever bytes come, as tables, as what is taught or as envelopes: nothing panics.

use proptest::prelude::*;
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
    let tables = rmp_serde::to_vec(&(1, none, ["Vehicle.Speed"], (), Some(0), 1, none, 4, 4, 4))
        .unwrap_or_default();
    UsualPath::new(&tables)
        .ok_or_else(|| TestCaseError::fail("these are no tables of this version"))
}

fn feed(path: &mut UsualPath, value: &[u8]) {
    let mut state = TimeState::new(vec![], 1, Room::new(9));
    let mut h3 = |_: f64, _: f64, _: u8, _: &mut Vec<u8>| Ok(());
    let _ = path.run(value, 0, 0, &mut state, &mut h3, &mut Nowhere);
}

const ENVELOPE: &[u8] = br#"{"v":1,"id":"01K00000000000000000000001","device":"d","clock":
{"t0":"2026-11-20T10:15:30.5Z"},"dtc":["P0301"],"series":{"Vehicle.Speed":{"unit":"km/h",
"dt":[0,1],"value":[1.50,-2e1]}},"trip":{"id":"t","started":"2026-11-20T10:15:30Z"}}"#;

proptest! {
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
