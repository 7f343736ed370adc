//! Purpose records to the rows of a store: read, held against what their plans hold, and laid out
//! as columns.
//!
//! `sinks/port/records.py`, `sinks/port/allowed.py` and `sinks/lake/columns.py` are the definitions;
//! what is here takes the usual record alone, and refuses none: an unusual one is for those.

pub mod decimal;
pub mod gathering;
pub mod held;
pub mod judging;
pub mod lengths;
pub mod part;
pub mod ranks;
pub mod reader;
pub mod stamp;
pub mod texts;
