//! One register: where a column's times and values lie, and how its values are written.

use crate::columns::Stretch;

/// How a register's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Whole,
    Float,
    Boolean,
    /// The words that the known path of this number allows.
    Word(u16),
    /// Stretches of `Work::cells`: where it begins, and how long it is.
    Cell,
}

#[derive(Clone, Copy, Debug)]
pub struct Register {
    pub times: Stretch,
    pub values: Stretch,
    pub form: Form,
}

impl Register {
    pub const EMPTY: Register = Register {
        times: Stretch { from: 0, to: 0 },
        values: Stretch { from: 0, to: 0 },
        form: Form::Float,
    };

    pub fn len(&self) -> usize {
        self.times.len()
    }
}
