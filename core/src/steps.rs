//! Multiples of a step, in decimal digits: round and bucket.

use serde::Deserialize;

use crate::number::{Number, ten_to};
use crate::unusual::{Unusual, Usual};

/// A step of `top / bottom`, in lowest terms, as its digits say.
#[derive(Deserialize, Clone, Debug)]
pub struct Step {
    pub top: i64,
    pub bottom: i64,
    /// To the nearest multiple, a half goes up; else to the one at or below.
    pub half: bool,
    /// Multiples leave as whole numbers; else as floats.
    pub whole: bool,
}

impl Step {
    /// Whether the step can be carried out in digits at all.
    pub fn is_sound(&self) -> bool {
        self.top > 0 && self.bottom > 0 && self.spread().is_ok()
    }

    /// The multiple that a value becomes.
    pub fn of(&self, value: Number) -> Usual<Number> {
        let count = count_steps(value, self.top, self.bottom, self.half)?;
        let multiple = count.checked_mul(self.top).ok_or(Unusual)?;
        if self.whole {
            return Number::decimal(multiple, 0);
        }
        let (scale, spread) = self.spread()?;
        Number::decimal(multiple.checked_mul(spread).ok_or(Unusual)?, scale)
    }

    /// Digits behind the point that any multiple needs, and by what they multiply it.
    fn spread(&self) -> Usual<(u8, i64)> {
        for scale in 0..=18 {
            let ten = ten_to(scale)?;
            if ten % self.bottom == 0 {
                return Ok((scale, ten / self.bottom));
            }
        }
        Err(Unusual)
    }
}

/// The largest whole n with n * top/bottom <= value; with `half`, the nearest.
pub fn count_steps(value: Number, top: i64, bottom: i64, half: bool) -> Usual<i64> {
    near(value, top, bottom, half).map_or_else(|| far(value, top, bottom, half), Ok)
}

fn near(value: Number, top: i64, bottom: i64, half: bool) -> Option<i64> {
    let over = value.mantissa.checked_mul(bottom)?;
    let under = ten_to(value.scale).ok()?.checked_mul(top)?;
    if !half {
        return Some(over.div_euclid(under));
    }
    let twice = over.checked_mul(2)?.checked_add(under)?;
    Some(twice.div_euclid(under.checked_mul(2)?))
}

fn far(value: Number, top: i64, bottom: i64, half: bool) -> Usual<i64> {
    let ten = 10i128.checked_pow(u32::from(value.scale)).ok_or(Unusual)?;
    let over = i128::from(value.mantissa).checked_mul(i128::from(bottom)).ok_or(Unusual)?;
    let under = ten.checked_mul(i128::from(top)).ok_or(Unusual)?;
    let (over, under) = if half {
        let twice = over.checked_mul(2).and_then(|twice| twice.checked_add(under));
        (twice.ok_or(Unusual)?, under.checked_mul(2).ok_or(Unusual)?)
    } else {
        (over, under)
    };
    i64::try_from(over.div_euclid(under)).map_err(|_| Unusual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::read;
    use proptest::prelude::*;

    fn treated(step: &Step, text: &str) -> String {
        let multiple = step.of(read(text.as_bytes(), 0).unwrap().number).unwrap();
        let mut out = vec![];
        if step.whole {
            multiple.write(&mut out);
        } else {
            multiple.write_float(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_on_a_bound_belongs_to_it() {
        let tenth = Step { top: 1, bottom: 10, half: false, whole: false };
        assert_eq!(treated(&tenth, "28.3"), "28.3");
        assert_eq!(treated(&tenth, "-28.31"), "-28.4");
        let half = Step { top: 1, bottom: 2, half: true, whole: false };
        assert_eq!(treated(&half, "43.25"), "43.5");
        assert_eq!(treated(&half, "-43.25"), "-43.0");
        let ten = Step { top: 10, bottom: 1, half: false, whole: true };
        assert_eq!(treated(&ten, "139.7"), "130");
        assert_eq!(treated(&ten, "-0.5"), "-10");
    }

    proptest! {
        #[test]
        fn near_and_far_count_alike(
            mantissa in -1_000_000_000i64..1_000_000_000, scale in 0u8..6,
            top in 1i64..1000, bottom in 1i64..1000, half: bool,
        ) {
            let value = Number { mantissa, scale };
            prop_assert_eq!(near(value, top, bottom, half).unwrap(), far(value, top, bottom, half).unwrap());
        }
    }
}
