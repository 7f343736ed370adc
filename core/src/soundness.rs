//! Whether a column plan can be carried out: every number in it is judged before it is used.

use crate::steps::Step;
use crate::tables::{ColumnPlan, RuleOn, Thin};

/// Whether registers and slots exist where a plan names them, and no step divides by nothing.
pub fn is_sound(plan: &ColumnPlan, inputs: usize, routes: usize, tally_width: usize) -> bool {
    let mut registers = inputs;
    let slots = |all: &[u32]| all.iter().all(|&slot| (slot as usize) < tally_width);
    let there = |number: u32, registers: usize| (number as usize) < registers;
    for step in &plan.rules {
        let on = match step.on {
            RuleOn::Column(number) => there(number, inputs),
            RuleOn::Pairs => true,
        };
        if !on || !divides(step.by) {
            return false;
        }
    }
    if [plan.latitude, plan.longitude].into_iter().flatten().any(|number| !there(number, inputs)) {
        return false;
    }
    for step in &plan.thin {
        let lost = slots(&step.thinned_slots) && slots(&step.not_rebuilt_slots);
        // A rule's choice is about its own column.
        let mine = plan
            .rules
            .get(step.chosen as usize)
            .is_some_and(|rule| matches!(rule.on, RuleOn::Column(number) if number == step.source));
        if !there(step.source, registers) || !mine || !lost {
            return false;
        }
        registers += 1;
    }
    for step in &plan.value {
        let sound = !step.steps.is_empty() && step.steps.iter().all(Step::is_sound);
        if !there(step.source, registers) || !sound {
            return false;
        }
        registers += 1;
    }
    for step in &plan.mesh {
        let all = [
            step.unpaired_slots.0,
            step.unpaired_slots.1,
            step.off_grid_slots.0,
            step.off_grid_slots.1,
        ];
        let sized = step.jis_m.is_none_or(|size_m| [250, 500, 1_000, 10_000].contains(&size_m));
        let lost = slots(&all) && slots(&step.thinned_slots) && slots(&step.not_rebuilt_slots);
        let of_pairs = |rule: u32| {
            plan.rules.get(rule as usize).is_some_and(|rule| matches!(rule.on, RuleOn::Pairs))
        };
        if !step.chosen.is_none_or(of_pairs) || !lost || !sized {
            return false;
        }
        registers += 1;
    }
    let unions = plan.unions.iter().all(|step| {
        slots(&[step.slot, step.slot.saturating_add(1)])
            && there(step.source, registers)
            && step.kept.iter().all(|&one| there(one, registers))
    });
    let leaving = plan.routes.iter().all(|step| {
        let columns = step.columns.iter().all(|column| there(column.register, registers));
        (step.route as usize) < routes && step.floor_ms > 0 && columns
    });
    unions && leaving
}

fn divides(thin: Thin) -> bool {
    match thin {
        Thin::Count(one_in) => one_in > 0,
        Thin::Time(every_ms) => every_ms > 0,
    }
}
