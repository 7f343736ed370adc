//! The usual path of a worker, at the machine's speed: tables and bytes in, bytes out.
//!
//! No policy stands here, no clock, no chance, no input or output. What is unusual is an error,
//! and the exact path in Python takes it. `docs/decisions/014-core.md` says what belongs here.
#![forbid(unsafe_code)]
// A test that unwraps nothing, or looks where nothing is, has failed.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
#![cfg_attr(test, allow(clippy::float_cmp, clippy::unreadable_literal))]

mod by_use;
mod columns;
mod cursor;
mod devices;
mod envelope;
mod grid;
mod instants;
mod lists;
mod number;
mod pairing;
mod paths;
pub mod people;
pub mod purpose_record;
#[cfg(feature = "python")]
mod python;
pub mod record;
pub mod record_batch;
pub mod record_batches;
mod register;
mod registers;
mod reused_ids;
pub mod room;
pub mod rows;
mod soundness;
mod steps;
mod tables;
mod thinning;
pub mod time_state;
mod treatment;
mod unusual;
pub mod usual_path;
pub mod varint;

/// Raised by one whenever what Python hands over, or gets back, changes its meaning.
pub const INTERFACE: u32 = 5;
