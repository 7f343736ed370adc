//! Numbers of JSON as the floats that any decoder makes of them.

use crate::unusual::{Unusual, Usual};

/// A whole number of so many digits is a float without rounding, and so is this power of ten.
const DIGITS_SURE: usize = 15;
const LENGTH_MAX: usize = 40;
const TENS: [f64; DIGITS_SURE + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The nearest float of the number that begins at `start`, and where its text ends.
///
/// # Errors
/// If it is no number, none that is finite, a whole one of many digits, or a zero with a sign.
#[allow(clippy::cast_precision_loss)] // of none that has so few digits
pub fn read(text: &[u8], start: usize) -> Usual<(f64, usize)> {
    let negative = text.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (mut mantissa, mut place) = digits(text, first, 0);
    let mut count = place - first;
    if count == 0 || (count > 1 && text.get(first) == Some(&b'0')) {
        return Err(Unusual);
    }
    let mut scale = 0;
    if text.get(place) == Some(&b'.') {
        let (longer, end) = digits(text, place + 1, mantissa);
        scale = end - place - 1;
        if scale == 0 {
            return Err(Unusual);
        }
        (mantissa, place) = (longer, end);
        count += scale;
    }
    if count > DIGITS_SURE || matches!(text.get(place), Some(b'e' | b'E')) {
        return if scale == 0 && count > DIGITS_SURE { Err(Unusual) } else { slowly(text, start) };
    }
    if mantissa == 0 && negative {
        return Err(Unusual);
    }
    let ten = TENS.get(scale).ok_or(Unusual)?;
    let float = mantissa as f64 / ten;
    Ok((if negative { -float } else { float }, place))
}

/// A whole number of at most 15 digits, and where its text ends; a zero has no sign.
///
/// # Errors
/// If it is none.
pub fn read_whole(text: &[u8], start: usize) -> Usual<(i64, usize)> {
    let negative = text.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (number, place) = digits(text, first, 0);
    let count = place - first;
    let padded = (count > 1 || negative) && text.get(first) == Some(&b'0');
    let goes_on = matches!(text.get(place), Some(b'.' | b'e' | b'E'));
    if count == 0 || count > DIGITS_SURE || padded || goes_on {
        return Err(Unusual);
    }
    let number = i64::try_from(number).map_err(|_| Unusual)?;
    Ok((if negative { -number } else { number }, place))
}

/// The number that the digits from `place` on continue, and where they end; wraps if too long.
#[inline]
fn digits(text: &[u8], mut place: usize, mut number: u64) -> (u64, usize) {
    while let Some(&byte) = text.get(place) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        place += 1;
    }
    (number, place)
}

/// One of many digits, or with an exponent.
fn slowly(text: &[u8], start: usize) -> Usual<(f64, usize)> {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .take(LENGTH_MAX + 1)
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
        .count();
    let written = rest.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let written = written.filter(|text| text.len() <= LENGTH_MAX && has_sound_exponent(text));
    let float: f64 = written.and_then(|text| text.parse().ok()).ok_or(Unusual)?;
    if float.is_finite() && float != 0.0 { Ok((float, start + length)) } else { Err(Unusual) }
}

/// Whether digits follow the exponent's mark, if there is one, as JSON wants it.
fn has_sound_exponent(text: &str) -> bool {
    let Some((_, exponent)) = text.split_once(['e', 'E']) else { return true };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_json_does_not_know_and_what_decoders_differ_in_is_unusual() {
        for text in [
            "",
            "-",
            "01",
            "1.",
            ".5",
            "-0",
            "-0.0",
            "+1",
            "1e",
            "1e+",
            "1.5e",
            "9e999",
            "1e-999",
            "1234567890123456",
            "1.5-2",
            "1e5.5",
            "nan",
            "inf",
            "--1",
        ] {
            let found = read(text.as_bytes(), 0).map(|(_, end)| end == text.len());
            assert!(matches!(found, Err(Unusual) | Ok(false)), "{text}");
        }
    }

    #[test]
    fn a_delta_is_whole() {
        assert_eq!(read_whole(b"-1000,", 0), Ok((-1000, 5)));
        for text in ["-0", "00", "1.0", "1e3", "", "-", "1234567890123456"] {
            assert_eq!(read_whole(text.as_bytes(), 0), Err(Unusual), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_float_comes_back_as_it_is_written(float in any::<f64>()) {
            for text in [format!("{float:?}"), format!("{float}"), format!("{float:e}")] {
                if let Ok((found, end)) = read(text.as_bytes(), 0) {
                    prop_assert_eq!(found.to_bits(), float.to_bits());
                    prop_assert_eq!(end, text.len());
                }
            }
        }

        #[test]
        fn few_digits_are_always_read(mantissa in 1_u32..1_000_000_000, scale in 0usize..6) {
            let ten = TENS[scale];
            let text = format!("{:.scale$}", f64::from(mantissa) / ten);
            prop_assert_eq!(read(text.as_bytes(), 0), Ok((text.parse().unwrap(), text.len())));
        }
    }
}
