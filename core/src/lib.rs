//! The usual path of a worker, at the machine's speed: tables and bytes in, bytes out.
//!
//! No policy stands here, no clock, no chance, no input or output. What is unusual is an error,
//! and the exact path in Python takes it. `docs/decisions/014-core.md` says what belongs here.
#![forbid(unsafe_code)]

#[cfg(feature = "python")]
mod python;
pub mod by_use;
pub mod columns;
pub mod cursor;
pub mod devices;
pub mod envelope;
pub mod grid;
pub mod instants;
pub mod lists;
pub mod number;
pub mod pairing;
pub mod paths;
pub mod purpose_record;
pub mod record;
pub mod record_batch;
pub mod record_batches;
pub mod registers;
pub mod reused_ids;
pub mod room;
pub mod soundness;
pub mod steps;
pub mod tables;
pub mod thinning;
pub mod time_state;
pub mod treatment;
pub mod unusual;
pub mod usual_path;
pub mod varint;

/// Raised by one whenever what Python hands over, or gets back, changes its meaning.
pub const INTERFACE: u32 = 1;
