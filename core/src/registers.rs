//! The registers of one envelope: columns as sent, and what is made of them.

use crate::columns::Columns;
use crate::number::Number;
use crate::pairing::Position;
use crate::paths::Paths;
use crate::register::{Form, Register};
use crate::tables::Kind;
use crate::thinning::{Chosen, Scratch};
use crate::unusual::{Unusual, Usual};

/// What the treatment of one envelope fills; kept from one to the next.
#[derive(Default)]
pub struct Work {
    pub registers: Vec<Register>,
    /// Readings lost, by slot of the tally row.
    pub losses: Vec<(u32, u64)>,
    pub cells: Vec<u8>,
    /// By rule of the plan: what it chose.
    pub chosen: Vec<Chosen>,
    /// The positions of the envelope, once they are asked for.
    pub pairs: Vec<Position>,
    /// By register that a rule made: times of readings kept back for what was not rebuilt.
    pub unsure: Vec<(usize, Vec<i32>)>,
    /// For the rules.
    pub scratch: Scratch,
}

impl Work {
    /// Begin with the columns that some output keeps, each a register, in the tally's order.
    pub fn begin(&mut self, columns: &Columns, paths: &Paths) -> Usual<()> {
        self.registers.clear();
        self.losses.clear();
        self.cells.clear();
        self.pairs.clear();
        self.unsure.clear();
        for column in columns.all.iter().filter(|column| column.place.is_some()) {
            let signal = paths.get(column.known)?.collected.as_ref().ok_or(Unusual)?;
            let form = match signal.kind {
                Kind::Whole { .. } => Form::Whole,
                Kind::Float { .. } => Form::Float,
                Kind::Boolean => Form::Boolean,
                Kind::Word(_) => Form::Word(column.known),
            };
            self.registers.push(Register { times: column.times, values: column.values, form });
        }
        Ok(())
    }

    pub fn register(&self, number: u32) -> Usual<Register> {
        usize::try_from(number).ok().and_then(|n| self.registers.get(n)).copied().ok_or(Unusual)
    }

    pub fn lose(&mut self, slots: &[u32], readings: usize) {
        if readings > 0 {
            self.losses.extend(slots.iter().map(|&slot| (slot, readings as u64)));
        }
    }
}

/// Append the reading at `place` of a register.
pub fn copy_reading(columns: &mut Columns, source: &Register, place: usize) -> Usual<()> {
    let time = *source.times.of(&columns.times).get(place).ok_or(Unusual)?;
    let value: Number = *source.values.of(&columns.values).get(place).ok_or(Unusual)?;
    columns.times.push(time);
    columns.values.push(value);
    Ok(())
}
