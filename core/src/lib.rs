//! The usual path of a worker, at the machine's speed: tables and bytes in, bytes out.
//!
//! No policy stands here, no clock, no chance, no input or output. What is unusual is an error,
//! and the exact path in Python takes it. `docs/decisions/014-core.md` says what belongs here.
#![forbid(unsafe_code)]

#[cfg(feature = "python")]
mod python;
pub mod record;
pub mod record_batch;
pub mod record_batches;
pub mod varint;

/// Raised by one whenever what Python hands over, or gets back, changes its meaning.
pub const INTERFACE: u32 = 1;
