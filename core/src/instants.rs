//! Instants of RFC 3339 in UTC, as milliseconds since 1970.

use crate::unusual::{Unusual, Usual};

pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Milliseconds of `YYYY-MM-DDThh:mm:ss[.f{1,6}]Z`, floored; any other form is unusual.
pub fn read(text: &[u8]) -> Usual<i64> {
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let [.., b'Z'] = text else { return Err(Unusual) };
    if text.len() < 20 || punctuation.iter().any(|&(place, mark)| text.get(place) != Some(&mark)) {
        return Err(Unusual);
    }
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let (hour, minute, second) = (two(text, 11)?, two(text, 14)?, two(text, 17)?);
    let possible = year >= 1 && (1..=days_of(year, month)).contains(&day);
    if !possible || hour > 23 || minute > 59 || second > 59 {
        return Err(Unusual);
    }
    let seconds = (hour * 60 + minute) * 60 + second;
    Ok(days_since_1970(year, month, day) * DAY_MS
        + seconds * 1000
        + millis(text.get(19..text.len() - 1).unwrap_or_default())?)
}

fn millis(fraction: &[u8]) -> Usual<i64> {
    let [b'.', digits @ ..] = fraction else {
        return if fraction.is_empty() { Ok(0) } else { Err(Unusual) };
    };
    if digits.is_empty() || digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Unusual);
    }
    let digit = |place: usize| digits.get(place).map_or(0, |byte| i64::from(byte - b'0'));
    Ok(digit(0) * 100 + digit(1) * 10 + digit(2))
}

fn two(text: &[u8], place: usize) -> Usual<i64> {
    match text.get(place..place + 2) {
        Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
            Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => Err(Unusual),
    }
}

pub fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days of the proleptic Gregorian calendar; years begin in March, so that a leap day is the last.
pub fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

pub fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = year + era * 400;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// RFC 3339 in UTC with `Z`; milliseconds appear only if they are not zero. Years 0 to 9999.
pub fn write(instant_ms: i64, out: &mut Vec<u8>) {
    let (year, month, day) = date_of(instant_ms.div_euclid(DAY_MS));
    let of_day = instant_ms.rem_euclid(DAY_MS);
    put_two(year / 100, out);
    put_two(year % 100, out);
    for (mark, part) in [
        (b'-', month),
        (b'-', day),
        (b'T', of_day / HOUR_MS),
        (b':', of_day / MINUTE_MS % 60),
        (b':', of_day / 1000 % 60),
    ] {
        out.push(mark);
        put_two(part, out);
    }
    let millis = of_day % 1000;
    if millis > 0 {
        out.push(b'.');
        put_digit(millis / 100, out);
        put_two(millis % 100, out);
    }
    out.push(b'Z');
}

fn put_two(number: i64, out: &mut Vec<u8>) {
    put_digit(number / 10 % 10, out);
    put_digit(number % 10, out);
}

fn put_digit(digit: i64, out: &mut Vec<u8>) {
    out.push(b'0' + u8::try_from(digit).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_forms_and_days_that_are_none_are_unusual() {
        assert_eq!(read(b"1970-01-01T00:00:00.001999Z"), Ok(1));
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "0000-01-01T00:00:00Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00+00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "Z",
        ] {
            assert_eq!(read(text.as_bytes()), Err(Unusual), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(instant_ms in -62_135_596_800_000i64..253_402_300_800_000) {
            let mut text = vec![];
            write(instant_ms, &mut text);
            prop_assert_eq!(read(&text), Ok(instant_ms));
        }

        #[test]
        fn any_bytes_are_read_or_unusual(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = read(&bytes);
        }
    }
}
