//! Positions out of two columns: a latitude and a longitude belong together if they have one time.

use rustc_hash::FxHashMap;

use crate::columns::Columns;
use crate::number::Number;
use crate::register::Register;
use crate::unusual::{Unusual, Usual};

/// Both coordinates of one time, in milliseconds after t0.
#[derive(Clone, Copy)]
pub struct Position {
    pub time: i32,
    pub latitude: Number,
    pub longitude: Number,
}

/// The pairs of two columns, in the latitudes' order.
///
/// A time that stands several times pairs, in order, only if both sides have it equally often.
pub fn positions(
    columns: &Columns,
    latitudes: &Register,
    longitudes: &Register,
) -> Usual<Vec<Position>> {
    let (times, other_times) =
        (latitudes.times.of(&columns.times), longitudes.times.of(&columns.times));
    let (north, east) =
        (latitudes.values.of(&columns.values), longitudes.values.of(&columns.values));
    if times == other_times {
        let both = times.iter().zip(north).zip(east);
        let pair = |((&time, &latitude), &longitude)| Position { time, latitude, longitude };
        return Ok(both.map(pair).collect());
    }
    let mut at: FxHashMap<i32, Vec<Number>> = FxHashMap::default();
    for (&time, &longitude) in other_times.iter().zip(east) {
        at.entry(time).or_default().push(longitude);
    }
    let mut often: FxHashMap<i32, (usize, usize)> = FxHashMap::default();
    for &time in times {
        often.entry(time).or_default().0 += 1;
    }
    let mut found = Vec::new();
    for (&time, &latitude) in times.iter().zip(north) {
        let (there, used) = often.get_mut(&time).ok_or(Unusual)?;
        let matching = at.get(&time).filter(|longitudes| longitudes.len() == *there);
        if let Some(&longitude) = matching.and_then(|longitudes| longitudes.get(*used)) {
            *used += 1;
            found.push(Position { time, latitude, longitude });
        }
    }
    Ok(found)
}
