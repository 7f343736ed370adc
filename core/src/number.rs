//! Numbers as their digits say: read from JSON, and written again as the exact path writes them.
//!
//! A float means its shortest decimal text. Up to 15 digits that text is the one that was read,
//! without zeros at the end of its fraction; for more digits the float is asked.

use crate::unusual::{Unusual, Usual};

/// `mantissa / 10^scale`; no zero stands at the end of a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub mantissa: i64,
    pub scale: u8,
}

/// A number that was read: where its text ends, and how much of that text is canonical.
pub struct Read {
    pub number: Number,
    pub end: usize,
    /// The canonical text ends here; `None`: the text is another, and has to be written anew.
    pub canonical_end: Option<usize>,
}

/// Any decimal of so many digits is the shortest text of its float.
const DIGITS_SURE: usize = 15;
const WHOLE_BELOW: f64 = 1e15;
/// Nearer to zero, floats are written with an exponent.
const PLAIN_FROM: f64 = 1e-5;
const SCALE_MAX: usize = 22;
const FLOAT_WHOLE_MAX: u64 = 1 << 53;

const TENS: [u64; 19] = tens();
const TENS_FLOAT: [f64; SCALE_MAX + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

#[allow(clippy::indexing_slicing)] // while it is compiled
const fn tens() -> [u64; 19] {
    let mut all = [1; 19];
    let mut place = 1;
    while place < 19 {
        all[place] = all[place - 1] * 10;
        place += 1;
    }
    all
}

/// 10 to a power of at most 18.
pub fn ten_to(power: u8) -> Usual<i64> {
    TENS.get(usize::from(power)).and_then(|&ten| i64::try_from(ten).ok()).ok_or(Unusual)
}

impl Number {
    /// A whole number.
    pub fn whole(mantissa: i64) -> Self {
        Number { mantissa, scale: 0 }
    }

    /// The number of these digits, if its float is written with them and without an exponent.
    pub fn decimal(mut mantissa: i64, mut scale: u8) -> Usual<Self> {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        let number = Number { mantissa, scale };
        let sure = mantissa.unsigned_abs() < TENS[DIGITS_SURE];
        if sure && number.is_plain() { Ok(number) } else { Err(Unusual) }
    }

    /// Whether it is zero or not so near to it that its float is written with an exponent.
    fn is_plain(self) -> bool {
        self.mantissa == 0 || self.scale <= 5 || self.float().abs() >= PLAIN_FROM
    }

    /// The nearest float, as a decoder reads it.
    #[allow(clippy::cast_precision_loss)] // of none that is not larger
    pub fn float(self) -> f64 {
        if self.mantissa.unsigned_abs() <= FLOAT_WHOLE_MAX {
            if let Some(ten) = TENS_FLOAT.get(usize::from(self.scale)) {
                // Both are floats without rounding: one division rounds once.
                return self.mantissa as f64 / ten;
            }
        }
        format!("{}e-{}", self.mantissa, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// Its digits; a whole number without a point.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        if self.scale == 0 {
            out.extend_from_slice(digits.format(self.mantissa).as_bytes());
            return;
        }
        if self.mantissa < 0 {
            out.push(b'-');
        }
        let all = self.mantissa.unsigned_abs();
        let scale = usize::from(self.scale);
        let (whole, part) = match TENS.get(scale) {
            Some(ten) => (all / ten, all % ten),
            None => (0, all),
        };
        out.extend_from_slice(digits.format(whole).as_bytes());
        out.push(b'.');
        let part = digits.format(part).as_bytes();
        out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(part.len())));
        out.extend_from_slice(part);
    }

    /// Its digits as those of a float: a whole one ends in `.0`.
    pub fn write_float(self, out: &mut Vec<u8>) {
        self.write(out);
        if self.scale == 0 {
            out.extend_from_slice(b".0");
        }
    }
}

/// Read the number that begins at `start`.
pub fn read(text: &[u8], start: usize) -> Usual<Read> {
    let negative = text.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let (mut mantissa, mut place) = digits(text, first, 0);
    let whole_digits = place - first;
    if whole_digits == 0
        || (whole_digits > 1 && text.get(first) == Some(&b'0'))
        || whole_digits > DIGITS_SURE
    {
        return Err(Unusual);
    }
    let mut scale = 0;
    let mut canonical_end = place;
    if text.get(place) == Some(&b'.') {
        let (longer, end) = digits(text, place + 1, mantissa);
        scale = end - place - 1;
        if scale == 0 {
            return Err(Unusual);
        }
        (mantissa, place, canonical_end) = (longer, end, end);
    }
    if whole_digits + scale > DIGITS_SURE || matches!(text.get(place), Some(b'e' | b'E')) {
        return read_by_float(text, start, place);
    }
    while scale > 0 && mantissa % 10 == 0 {
        (mantissa, scale, canonical_end) = (mantissa / 10, scale - 1, canonical_end - 1);
    }
    if scale == 0 && canonical_end != first + whole_digits {
        // The point goes with the last zero behind it.
        canonical_end = first + whole_digits;
    }
    // A zero's sign is lost on some ways and kept on others.
    if mantissa == 0 && negative {
        return Err(Unusual);
    }
    let mantissa = i64::try_from(mantissa).map_err(|_| Unusual)?;
    let mantissa = if negative { -mantissa } else { mantissa };
    let number = Number { mantissa, scale: u8::try_from(scale).map_err(|_| Unusual)? };
    if !number.is_plain() {
        return Err(Unusual);
    }
    Ok(Read { number, end: place, canonical_end: Some(canonical_end) })
}

/// The number that the digits from `place` on continue, and where they end; wraps if too long.
fn digits(text: &[u8], mut place: usize, mut mantissa: u64) -> (u64, usize) {
    while let Some(digit) = text.get(place).map(|byte| byte.wrapping_sub(b'0')).filter(|&d| d < 10)
    {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        place += 1;
    }
    (mantissa, place)
}

/// A number of many digits, or with an exponent: the shortest digits of its float.
fn read_by_float(text: &[u8], start: usize, mut end: usize) -> Usual<Read> {
    if matches!(text.get(end), Some(b'e' | b'E')) {
        end += 1;
        end += usize::from(matches!(text.get(end), Some(b'+' | b'-')));
        let (_, past) = digits(text, end, 0);
        if past == end || past - end > 3 {
            return Err(Unusual);
        }
        end = past;
    }
    let written =
        std::str::from_utf8(text.get(start..end).unwrap_or_default()).map_err(|_| Unusual)?;
    let float: f64 = written.parse().map_err(|_| Unusual)?;
    let number = shortest(float)?;
    Ok(Read { number, end, canonical_end: None })
}

/// The shortest digits that mean this float.
fn shortest(float: f64) -> Usual<Number> {
    if !(PLAIN_FROM..WHOLE_BELOW).contains(&float.abs()) {
        return Err(Unusual);
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').ok_or(Unusual)?;
    let exponent: i32 = exponent.parse().map_err(|_| Unusual)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa: i64 = format!("{whole}{part}").parse().map_err(|_| Unusual)?;
    let scale = i32::try_from(part.len()).map_err(|_| Unusual)? - exponent;
    if scale >= 0 {
        let scale = usize::try_from(scale).map_err(|_| Unusual)?;
        if scale > SCALE_MAX {
            return Err(Unusual);
        }
        return Ok(Number { mantissa, scale: u8::try_from(scale).map_err(|_| Unusual)? });
    }
    let ten = ten_to(u8::try_from(-scale).map_err(|_| Unusual)?)?;
    Ok(Number::whole(mantissa.checked_mul(ten).ok_or(Unusual)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Option<(i64, u8, String)> {
        let found = read(text.as_bytes(), 0).ok()?;
        let mut out = vec![];
        found.number.write_float(&mut out);
        Some((found.number.mantissa, found.number.scale, String::from_utf8(out).ok()?))
    }

    #[test]
    fn zeros_at_the_end_of_a_fraction_are_left_out() {
        assert_eq!(said("43.500"), Some((435, 1, "43.5".into())));
        assert_eq!(said("-43.0"), Some((-43, 0, "-43.0".into())));
        assert_eq!(said("100"), Some((100, 0, "100.0".into())));
        assert_eq!(said("0.00010"), Some((1, 4, "0.0001".into())));
    }

    #[test]
    fn what_json_does_not_know_and_a_negative_zero_are_unusual() {
        for text in ["", "-", "01", "1.", ".5", "-0", "-0.0", "+1", "1e", "1e+", "9e999", "1e-7"] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn more_digits_than_a_float_has_become_those_of_the_float() {
        assert_eq!(
            said("0.1234567890123456789"),
            Some((12345678901234568, 17, "0.12345678901234568".into()))
        );
        assert_eq!(said("1e2"), Some((100, 0, "100.0".into())));
        assert_eq!(said("4.35e1"), Some((435, 1, "43.5".into())));
    }

    proptest! {
        #[test]
        fn a_float_comes_back_as_it_is_written(float in -1e14f64..1e14) {
            let text = format!("{float:?}");
            if let Some((_, _, written)) = said(&text) {
                prop_assert_eq!(written.parse::<f64>().unwrap(), float);
                prop_assert_eq!(read(text.as_bytes(), 0).unwrap().number.float(), float);
            } else {
                prop_assert!(float == 0.0 || float.abs() < PLAIN_FROM);
            }
        }

        #[test]
        fn any_bytes_are_read_or_unusual(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(found) = read(&bytes, 0) {
                prop_assert!(found.end <= bytes.len());
            }
        }
    }
}
