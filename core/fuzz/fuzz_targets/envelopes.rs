//! Envelopes, a zero byte between two, through one taught path and one state.
//!
//! What is refused leaves nothing behind; what is done leaves records that can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadfade_core::usual_path::UsualPath;
use roadfade_core_fuzz::{NOW_MS, Reader, any_cell, packed, state, tables, teach};

const ASKED_MAX: usize = 8;

fuzz_target!(|data: &[u8]| {
    let mut path = UsualPath::new(&packed(&tables())).expect("these are tables");
    let mut state = state();
    for (number, envelope) in data.split(|&byte| byte == 0).take(8).enumerate() {
        let received_ms = NOW_MS + 200_000 * i64::try_from(number).unwrap_or_default();
        for _ in 0..ASKED_MAX {
            let before = (state.mark().bins, state.mark().counters);
            let (done, mut sink) = (path.counted.envelopes, Reader::default());
            let ran = path.run(
                envelope,
                received_ms,
                received_ms + 3_600_000 * i64::from(number % 3 == 2),
                &mut state,
                &mut any_cell,
                &mut sink,
            );
            match &ran {
                Ok(()) => assert_eq!(path.counted.envelopes, done + 1),
                Err(_) => {
                    let after = (state.mark().bins, state.mark().counters);
                    assert_eq!(before, after, "something is remembered");
                    assert_eq!((path.counted.envelopes, sink.records), (done, 0));
                }
            }
            match ran {
                Ok(()) => break,
                Err(ask) => {
                    if !teach(&mut path, ask) {
                        break;
                    }
                }
            }
        }
        match number % 4 {
            3 => state.discard(),
            1 => state.adopt(),
            _ => {}
        }
    }
});
