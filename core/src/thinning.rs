//! Which readings of a column a thinning keeps, first in time.

use crate::tables::Thin;

/// The places that are kept, in the order of time: a device may send an older reading later.
pub fn keep_places(thin: Thin, t0_ms: i64, times: &[i32], kept: &mut Vec<usize>) {
    kept.clear();
    kept.extend(0..times.len());
    if !times.is_sorted() {
        // Stable: of two at one time the first that was sent comes first.
        kept.sort_by_key(|&place| times.get(place));
    }
    match thin {
        Thin::Count(one_in) => {
            let one_in = one_in.max(1) as usize;
            let mut number = 0;
            kept.retain(|_| {
                number += 1;
                (number - 1) % one_in == 0
            });
        }
        Thin::Time(every_ms) => {
            let mut last_bin = None;
            kept.retain(|&place| {
                let time_ms = t0_ms + i64::from(times.get(place).copied().unwrap_or_default());
                let bin = Some(time_ms.div_euclid(every_ms.max(1)));
                let first = bin != last_bin;
                last_bin = bin;
                first
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(thin: Thin, t0_ms: i64, times: &[i32]) -> Vec<usize> {
        let mut places = vec![];
        keep_places(thin, t0_ms, times, &mut places);
        places
    }

    #[test]
    fn the_first_in_time_of_each_bin_is_kept() {
        assert_eq!(kept(Thin::Time(1000), 500, &[0, 400, 500, 600, 1500]), [0, 2, 4]);
        assert_eq!(kept(Thin::Time(1000), 0, &[2500, 100, 2100, 100]), [1, 2]);
    }

    #[test]
    fn one_in_so_many_begins_with_the_first_in_time() {
        assert_eq!(kept(Thin::Count(2), 0, &[0, 1, 2, 3, 4]), [0, 2, 4]);
        assert_eq!(kept(Thin::Count(2), 0, &[30, 10, 20]), [1, 0]);
    }
}
