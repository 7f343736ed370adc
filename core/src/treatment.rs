//! A column plan carried out: thinned, treated and meshed registers behind those of the input.
//!
//! Whatever fails here fails before anything is counted or written.

use rustc_hash::FxHashMap;

use crate::columns::{Columns, Stretch};
use crate::grid::write_jis;
use crate::number::Number;
use crate::pairing::positions;
use crate::registers::{Form, Register, Work, copy_reading};
use crate::tables::{ColumnPlan, MeshStep, ThinStep, UnionStep, ValueStep};
use crate::thinning::keep_places;
use crate::unusual::{Unusual, Usual};

/// Writes the H3 cell of (latitude, longitude, resolution): the grid's own library knows it.
pub type H3<'a> = dyn FnMut(f64, f64, u8, &mut Vec<u8>) -> Usual<()> + 'a;

/// Fill every register of the plan.
pub fn treat(
    plan: &ColumnPlan,
    t0_ms: i64,
    columns: &mut Columns,
    work: &mut Work,
    h3: &mut H3<'_>,
) -> Usual<()> {
    for step in &plan.thin {
        thin(step, t0_ms, columns, work)?;
    }
    for step in &plan.value {
        change(step, columns, work)?;
    }
    for step in &plan.mesh {
        mesh(step, t0_ms, columns, work, h3)?;
    }
    for step in &plan.unions {
        count_union(step, columns, work)?;
    }
    Ok(())
}

fn thin(step: &ThinStep, t0_ms: i64, columns: &mut Columns, work: &mut Work) -> Usual<()> {
    let source = work.register(step.source)?;
    let (first_time, first_value) = (columns.times.len(), columns.values.len());
    keep_places(step.by, t0_ms, source.times.of(&columns.times), &mut work.kept);
    for &place in &work.kept {
        copy_reading(columns, &source, place)?;
    }
    let made = Register {
        times: Stretch { from: first_time, to: columns.times.len() },
        values: Stretch { from: first_value, to: columns.values.len() },
        form: source.form,
    };
    work.lose(&step.loss_slots, source.len() - made.len());
    work.registers.push(made);
    Ok(())
}

fn change(step: &ValueStep, columns: &mut Columns, work: &mut Work) -> Usual<()> {
    let source = work.register(step.source)?;
    let from = columns.values.len();
    for place in source.values.from..source.values.to {
        let mut value = *columns.values.get(place).ok_or(Unusual)?;
        for one in &step.steps {
            value = one.of(value)?;
        }
        columns.values.push(value);
    }
    let whole = step.steps.last().ok_or(Unusual)?.whole;
    let values = Stretch { from, to: columns.values.len() };
    let form = if whole { Form::Whole } else { Form::Float };
    work.registers.push(Register { values, form, ..source });
    Ok(())
}

fn mesh(
    step: &MeshStep,
    t0_ms: i64,
    columns: &mut Columns,
    work: &mut Work,
    h3: &mut H3<'_>,
) -> Usual<()> {
    let input = |number: Option<u32>, work: &Work| match number {
        Some(number) => work.register(number),
        None => Ok(Register::EMPTY),
    };
    let (latitudes, longitudes) = (input(step.latitude, work)?, input(step.longitude, work)?);
    let mut pairs = positions(columns, &latitudes, &longitudes)?;
    work.lose(&[step.unpaired_slots.0], latitudes.len() - pairs.len());
    work.lose(&[step.unpaired_slots.1], longitudes.len() - pairs.len());
    if let Some(thin) = step.thin {
        let times: Vec<i32> = pairs.iter().map(|pair| pair.time).collect();
        keep_places(thin, t0_ms, &times, &mut work.kept);
        work.lose(&step.thinned_slots, pairs.len() - work.kept.len());
        pairs = work.kept.iter().filter_map(|&place| pairs.get(place)).copied().collect();
    }
    let (first_time, first_value) = (columns.times.len(), columns.values.len());
    for pair in &pairs {
        let from = work.cells.len();
        if write_cell(step, pair.latitude, pair.longitude, &mut work.cells, h3)? {
            let length = u8::try_from(work.cells.len() - from).map_err(|_| Unusual)?;
            let from = i64::try_from(from).map_err(|_| Unusual)?;
            columns.times.push(pair.time);
            columns.values.push(Number { mantissa: from, scale: length });
        }
    }
    let made = Register {
        times: Stretch { from: first_time, to: columns.times.len() },
        values: Stretch { from: first_value, to: columns.values.len() },
        form: Form::Cell,
    };
    let off_grid = pairs.len() - made.len();
    work.lose(&[step.off_grid_slots.0, step.off_grid_slots.1], off_grid);
    work.registers.push(made);
    Ok(())
}

fn write_cell(
    step: &MeshStep,
    latitude: Number,
    longitude: Number,
    out: &mut Vec<u8>,
    h3: &mut H3<'_>,
) -> Usual<bool> {
    if let Some(size_m) = step.jis_m {
        if write_jis(latitude, longitude, size_m, out)? {
            return Ok(true);
        }
    }
    match step.h3_resolution {
        Some(resolution) => {
            h3(latitude.float(), longitude.float(), resolution, out)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Readings of the source that none of the kept registers holds.
///
/// A time may stand several times: as many of its readings are kept as one of them keeps.
fn count_union(step: &UnionStep, columns: &Columns, work: &mut Work) -> Usual<()> {
    let mut together: FxHashMap<i32, u64> = FxHashMap::default();
    for &number in &step.kept {
        for (time, often) in how_often(work.register(number)?.times.of(&columns.times)) {
            let most = together.entry(time).or_default();
            *most = often.max(*most);
        }
    }
    let source = work.register(step.source)?;
    let lost: u64 = how_often(source.times.of(&columns.times))
        .into_iter()
        .map(|(time, often)| often.saturating_sub(together.get(&time).copied().unwrap_or_default()))
        .sum();
    if lost > 0 {
        work.losses.push((step.slot, lost));
    }
    Ok(())
}

fn how_often(times: &[i32]) -> FxHashMap<i32, u64> {
    let mut found = FxHashMap::default();
    for &time in times {
        *found.entry(time).or_default() += 1;
    }
    found
}
