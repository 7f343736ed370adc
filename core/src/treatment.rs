//! A column plan carried out: thinned, treated and meshed registers behind those of the input.
//!
//! Whatever fails here fails before anything is counted or written.

use rustc_hash::FxHashMap;

use crate::columns::{Columns, Stretch};
use crate::grid::write_jis;
use crate::number::Number;
use crate::pairing::positions;
use crate::register::{Form, Register};
use crate::registers::{Work, copy_reading};
use crate::tables::{ColumnPlan, MeshStep, RuleOn, ThinStep, UnionStep, ValueStep};
use crate::thinning::{Asked, Chosen, choose};
use crate::time_state::TimeState;
use crate::unusual::{Unusual, Usual};

/// Writes the H3 cell of (latitude, longitude, resolution): the grid's own library knows it.
pub type H3<'a> = dyn FnMut(f64, f64, u8, &mut Vec<u8>) -> Usual<()> + 'a;

/// Fill every register of the plan. If that fails, the state is as it was.
pub fn treat(
    plan: &ColumnPlan,
    asked: Asked<'_>,
    columns: &mut Columns,
    work: &mut Work,
    state: &mut TimeState,
    h3: &mut H3<'_>,
) -> Usual<()> {
    if !plan.mesh.is_empty() || plan.rules.iter().any(|step| matches!(step.on, RuleOn::Pairs)) {
        let input = |number: Option<u32>| match number {
            Some(number) => work.register(number),
            None => Ok(Register::EMPTY),
        };
        work.pairs = positions(columns, &input(plan.latitude)?, &input(plan.longitude)?)?;
    }
    let mark = state.mark();
    state.arrive(asked.append_ms);
    let done =
        ask_rules(plan, asked, columns, work, state).and_then(|()| fill(plan, columns, work, h3));
    if done.is_err() {
        state.roll_back(mark);
    }
    done
}

fn ask_rules(
    plan: &ColumnPlan,
    asked: Asked<'_>,
    columns: &Columns,
    work: &mut Work,
    state: &mut TimeState,
) -> Usual<()> {
    work.chosen.resize_with(plan.rules.len().max(work.chosen.len()), Chosen::default);
    for (number, step) in plan.rules.iter().enumerate() {
        let of_pairs: Vec<i32>;
        let times = match step.on {
            RuleOn::Column(number) => work.register(number)?.times.of(&columns.times),
            RuleOn::Pairs => {
                of_pairs = work.pairs.iter().map(|pair| pair.time).collect();
                &of_pairs
            }
        };
        if let Some(chosen) = work.chosen.get_mut(number) {
            choose(state, step.rule, step.by, asked, times, &mut work.scratch, chosen);
        }
    }
    Ok(())
}

fn fill(plan: &ColumnPlan, columns: &mut Columns, work: &mut Work, h3: &mut H3<'_>) -> Usual<()> {
    for step in &plan.thin {
        thin(step, columns, work)?;
    }
    for step in &plan.value {
        change(step, columns, work)?;
    }
    for step in &plan.mesh {
        mesh(plan, step, columns, work, h3)?;
    }
    for step in &plan.unions {
        count_union(step, columns, work)?;
    }
    Ok(())
}

fn thin(step: &ThinStep, columns: &mut Columns, work: &mut Work) -> Usual<()> {
    let source = work.register(step.source)?;
    let (first_time, first_value) = (columns.times.len(), columns.values.len());
    let chosen = work.chosen.get(step.chosen as usize).ok_or(Unusual)?;
    for &place in &chosen.kept {
        copy_reading(columns, &source, place)?;
    }
    let unsure = chosen.not_rebuilt.len();
    if unsure > 0 {
        let times = source.times.of(&columns.times);
        let back = chosen.not_rebuilt.iter().filter_map(|&place| times.get(place)).copied();
        work.unsure.push((work.registers.len(), back.collect()));
    }
    let made = Register {
        times: Stretch { from: first_time, to: columns.times.len() },
        values: Stretch { from: first_value, to: columns.values.len() },
        form: source.form,
    };
    work.lose(&step.thinned_slots, source.len() - made.len() - unsure);
    work.lose(&step.not_rebuilt_slots, unsure);
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
    plan: &ColumnPlan,
    step: &MeshStep,
    columns: &mut Columns,
    work: &mut Work,
    h3: &mut H3<'_>,
) -> Usual<()> {
    let length = |number: Option<u32>, work: &Work| match number {
        Some(number) => work.register(number).map(|register| register.len()),
        None => Ok(0),
    };
    let (latitudes, longitudes) = (length(plan.latitude, work)?, length(plan.longitude, work)?);
    let paired = work.pairs.len();
    work.lose(&[step.unpaired_slots.0], latitudes - paired);
    work.lose(&[step.unpaired_slots.1], longitudes - paired);
    let mut pairs = std::borrow::Cow::Borrowed(&work.pairs[..]);
    let mut unsure = Vec::new();
    if let Some(rule) = step.chosen {
        let chosen = work.chosen.get(rule as usize).ok_or(Unusual)?;
        let at = |&place: &usize| work.pairs.get(place).copied();
        unsure = chosen.not_rebuilt.iter().filter_map(at).map(|pair| pair.time).collect();
        pairs = chosen.kept.iter().filter_map(at).collect();
    }
    let pairs = pairs.into_owned();
    if step.chosen.is_some() {
        work.lose(&step.thinned_slots, paired - pairs.len() - unsure.len());
        work.lose(&step.not_rebuilt_slots, unsure.len());
    }
    if !unsure.is_empty() {
        work.unsure.push((work.registers.len(), unsure));
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
    let mut together = Often::default();
    let mut perhaps = Often::default();
    for &number in &step.kept {
        together.join(work.register(number)?.times.of(&columns.times));
        let unsure = work.unsure.iter().find(|(register, _)| *register == number as usize);
        perhaps.join(unsure.map_or(&[], |(_, times)| times));
    }
    let mut source = Often::default();
    source.join(work.register(step.source)?.times.of(&columns.times));
    let (mut lost, mut may_be_kept) = (0, 0);
    for (time, often) in source.0 {
        let gone = often.saturating_sub(together.of(time));
        lost += gone;
        may_be_kept += gone.min(perhaps.of(time));
    }
    work.lose(&[step.slot], lost - may_be_kept);
    work.lose(&[step.slot + 1], may_be_kept);
    Ok(())
}

/// How often each time stands in some list.
#[derive(Default)]
struct Often(FxHashMap<i32, usize>);

impl Often {
    /// Each time as often as it stands here or in one of these lists, whichever is more.
    fn join(&mut self, times: &[i32]) {
        let mut here: FxHashMap<i32, usize> = FxHashMap::default();
        for &time in times {
            *here.entry(time).or_default() += 1;
        }
        for (time, often) in here {
            let most = self.0.entry(time).or_default();
            *most = often.max(*most);
        }
    }

    fn of(&self, time: i32) -> usize {
        self.0.get(&time).copied().unwrap_or_default()
    }
}
