//! Five values, each behind its length in two bytes: tables, a device, a minute, a column plan and
//! an envelope. Whatever they say, nothing panics, and what is taught or not is done or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadfade_core::purpose_record::{Record, Sink};
use roadfade_core::usual_path::{Ask, UsualPath};
use roadfade_core_fuzz::{NOW_MS, any_cell, packed, state, tables};

const ASKED_MAX: usize = 8;

struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: &Record<'_>) {}
}

fn section<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, behind)) = rest.split_first_chunk() else {
        return std::mem::take(rest);
    };
    let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
    let (mine, others) = behind.split_at(length);
    *rest = others;
    mine
}

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let [said, device, minute, plan, envelope] = std::array::from_fn(|_| section(&mut rest));
    let Some(mut path) = UsualPath::new(said).or_else(|| UsualPath::new(&packed(&tables()))) else {
        return;
    };
    let mut state = state();
    for _ in 0..ASKED_MAX {
        let ran = path.run(envelope, NOW_MS, NOW_MS, &mut state, &mut any_cell, &mut Nowhere);
        let taught = match ran {
            Ok(()) | Err(Ask::Exact) => break,
            Err(Ask::Device { device: name, .. }) => path.teach_device(&name, device),
            Err(Ask::Minute(number)) => path.teach_minute(number, minute),
            Err(Ask::Late { decision, late }) => {
                path.teach_late(decision, late, 1);
                true
            }
            Err(Ask::ColumnPlan { decision, present }) => {
                path.teach_column_plan(decision, &present, plan)
            }
        };
        if !taught {
            break;
        }
    }
    state.adopt();
});
