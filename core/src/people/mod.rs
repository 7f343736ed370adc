//! People in memory: `processors/packed_people.py`, in Rust.
//!
//! Both pass one contract and give the same answers. What a row means is judged in Python: here
//! rows are kept, and rows that are written exactly as the office writes them are read.

mod base64;
mod cells;
pub mod changes;
pub mod control_row;
mod known;
mod names;
pub mod row;
mod row_keys;
mod rows;
mod terms;
pub mod usual_rows;

pub use known::People;

/// No more rows, or names, of a kind can be numbered: half a thousand million are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;
