//! Cells of the JIS X 0410 grid, by the digits in which a position is written.

use crate::number::Number;
use crate::steps::count_steps;
use crate::unusual::Usual;

/// Eighths of a second of arc in a degree.
const UNITS: i64 = 28_800;
const LATITUDES: (f64, f64) = (20.0, 46.0);
const LONGITUDES: (f64, f64) = (122.0, 154.0);

/// Append the code of 6 (10 km), 8 (1 km), 9 (500 m) or 10 (250 m) digits; false outside the grid.
pub fn write_jis(
    latitude: Number,
    longitude: Number,
    size_m: u32,
    out: &mut Vec<u8>,
) -> Usual<bool> {
    let within = |value: f64, (low, high): (f64, f64)| low <= value && value < high;
    if !within(latitude.float(), LATITUDES) || !within(longitude.float(), LONGITUDES) {
        return Ok(false);
    }
    let north = count_steps(latitude, 1, UNITS, false)?;
    let east = count_steps(longitude, 1, UNITS, false)? - 100 * UNITS;
    let (first_north, north) = (north / 19_200, north % 19_200);
    let (first_east, east) = (east / UNITS, east % UNITS);
    for number in [first_north / 10, first_north % 10, first_east / 10, first_east % 10] {
        put(number, out);
    }
    put(north / 2_400, out);
    put(east / 3_600, out);
    if size_m == 10_000 {
        return Ok(true);
    }
    let (north, east) = (north % 2_400, east % 3_600);
    put(north / 240, out);
    put(east / 360, out);
    let (mut north, mut east) = (north % 240, east % 360);
    for (edge_m, half_north, half_east) in [(500, 120, 180), (250, 60, 90)] {
        if size_m > edge_m {
            break;
        }
        put(1 + east / half_east + 2 * (north / half_north), out);
        (north, east) = (north % half_north, east % half_east);
    }
    Ok(true)
}

fn put(digit: i64, out: &mut Vec<u8>) {
    // One digit: the callers divide by all that is larger.
    out.push(b'0' + u8::try_from(digit).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::read;

    fn cell(latitude: &str, longitude: &str, size_m: u32) -> Option<String> {
        let number = |text: &str| read(text.as_bytes(), 0).unwrap().number;
        let mut out = vec![];
        let within = write_jis(number(latitude), number(longitude), size_m, &mut out).unwrap();
        within.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_edge_belongs_to_the_cell_to_its_north_and_east() {
        for (size_m, code) in
            [(10_000, "533946"), (1_000, "53394611"), (500, "533946113"), (250, "5339461132")]
        {
            assert_eq!(cell("35.681236", "139.767125", size_m), Some(code.into()));
        }
        assert_eq!(cell("46.0", "139.0", 1_000), None);
        assert_eq!(cell("20.0", "122.0", 1_000), Some("30220000".into()));
    }
}
