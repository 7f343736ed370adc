//! Which readings of one envelope the rules over time let through: asked of the state, once each.
//!
//! Who may receive them plays no part: a bin is used up by a reading that was there.

use crate::tables::Thin;
use crate::time_state::{Answer, TimeState};

/// One envelope's device and times, as rules over time are asked about them.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Whose readings they are.
    pub device: &'a [u8],
    /// What times are counted from.
    pub t0_ms: i64,
    /// When the envelope was appended to the log.
    pub append_ms: i64,
}

/// What a rule did: places that stay, in the order of time, and those of which nothing is known.
#[derive(Default)]
pub struct Chosen {
    /// These stay.
    pub kept: Vec<usize>,
    /// These are kept back because it is not known whether another was before them.
    pub not_rebuilt: Vec<usize>,
}

/// Lists that are filled anew for each rule, and kept.
#[derive(Default)]
pub struct Scratch {
    places: Vec<usize>,
    bins: Vec<i64>,
}

/// Ask the state for one rule; it remembers these times.
pub fn choose(
    state: &mut TimeState,
    rule: u32,
    by: Thin,
    asked: Asked<'_>,
    times: &[i32],
    scratch: &mut Scratch,
    chosen: &mut Chosen,
) {
    chosen.kept.clear();
    chosen.not_rebuilt.clear();
    if times.is_empty() {
        return;
    }
    let places = &mut scratch.places;
    places.clear();
    places.extend(0..times.len());
    if !times.is_sorted() {
        // A device may send an older reading later. Of two at one time the first sent comes first.
        places.sort_by_key(|&place| times.get(place));
    }
    match by {
        Thin::Time(every_ms) => {
            let bins = &mut scratch.bins;
            bins.clear();
            places.retain(|&place| {
                let time_ms =
                    asked.t0_ms + i64::from(times.get(place).copied().unwrap_or_default());
                let bin = time_ms.div_euclid(every_ms.max(1));
                let first = bins.last() != Some(&bin);
                if first {
                    bins.push(bin);
                }
                first
            });
            let mut firsts = places.iter().copied();
            state.first_in_bin(
                asked.device,
                rule,
                bins.iter().copied(),
                asked.append_ms,
                |answer| {
                    let Some(place) = firsts.next() else { return };
                    match answer {
                        Answer::Passes => chosen.kept.push(place),
                        Answer::Used => {}
                        Answer::NotRebuilt => chosen.not_rebuilt.push(place),
                    }
                },
            );
        }
        Thin::Count(one_in) => {
            let readings = i64::try_from(times.len()).unwrap_or(i64::MAX);
            match state.counted(asked.device, rule, readings, asked.append_ms) {
                None => chosen.not_rebuilt.extend(0..times.len()),
                Some(before) => {
                    let one_in = i64::from(one_in.max(1));
                    let first = usize::try_from((-before).rem_euclid(one_in)).unwrap_or_default();
                    let step = usize::try_from(one_in).unwrap_or(1);
                    chosen.kept.extend(places.iter().copied().skip(first).step_by(step));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Room;

    fn kept(state: &mut TimeState, by: Thin, t0_ms: i64, times: &[i32]) -> Vec<usize> {
        let mut chosen = Chosen::default();
        let asked = Asked { device: b"dev", t0_ms, append_ms: 1 };
        choose(state, 0, by, asked, times, &mut Scratch::default(), &mut chosen);
        chosen.kept
    }

    fn empty() -> TimeState {
        TimeState::new(vec![1_000], 1_000, Room::new(100))
    }

    #[test]
    fn the_first_in_time_of_each_bin_is_kept() {
        assert_eq!(kept(&mut empty(), Thin::Time(1000), 500, &[0, 400, 500, 600, 1500]), [0, 2, 4]);
        assert_eq!(kept(&mut empty(), Thin::Time(1000), 0, &[2500, 100, 2100, 100]), [1, 2]);
    }

    #[test]
    fn one_in_so_many_goes_on_where_the_last_envelope_ended() {
        let mut state = empty();
        assert_eq!(kept(&mut state, Thin::Count(2), 0, &[30, 10, 20]), [1, 0]);
        assert_eq!(kept(&mut state, Thin::Count(2), 0, &[40, 50, 60]), [1]);
    }
}
