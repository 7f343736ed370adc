//! How long something lasts: so many milliseconds, or months of the calendar.

use crate::instants::{DAY_MS, date_of, days_of, days_since_1970};
use crate::unusual::{Unusual, Usual};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Milliseconds.
    Ms(i64),
    /// Months: the 31st becomes the last day of a shorter one.
    Months(i64),
}

/// The instant that is so much later, in UTC.
///
/// # Errors
/// If it lies in no year from 1 to 9999.
pub fn later(instant_ms: i64, length: Length) -> Usual<i64> {
    match length {
        Length::Ms(ms) => instant_ms.checked_add(ms).ok_or(Unusual),
        Length::Months(months) => {
            let (year, month, day) = date_of(instant_ms.div_euclid(DAY_MS));
            let months = (year * 12 + month - 1).checked_add(months).ok_or(Unusual)?;
            let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
            if !(1..=9_999).contains(&year) {
                return Err(Unusual);
            }
            let day = day.min(days_of(year, month));
            Ok(days_since_1970(year, month, day) * DAY_MS + instant_ms.rem_euclid(DAY_MS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::{read, write};

    fn after(text: &str, months: i64) -> Usual<String> {
        let moved = later(read(text.as_bytes())?, Length::Months(months))?;
        let mut out = vec![];
        write(moved, &mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_31st_becomes_the_last_day_of_a_shorter_month() {
        assert_eq!(after("2026-01-31T10:00:00Z", 1), Ok("2026-02-28T10:00:00Z".into()));
        assert_eq!(after("2027-12-31T10:00:00Z", 14), Ok("2029-02-28T10:00:00Z".into()));
        assert_eq!(after("2026-11-22T23:59:59Z", 15), Ok("2028-02-22T23:59:59Z".into()));
        assert_eq!(after("9999-06-01T00:00:00Z", 12), Err(Unusual));
        assert_eq!(later(i64::MAX, Length::Ms(1)), Err(Unusual));
    }
}
