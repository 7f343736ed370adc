//! What came from a topic, and what its headers say.

use super::held::{Held, NONE};
use crate::instants::{self, MINUTE_MS};
use crate::unusual::{Unusual, Usual};

/// The last instant that a date can name.
pub const INSTANT_MS_MAX: i64 = 253_402_300_799_999;
const HEADER_BYTES_MAX: usize = 128;
const HEADERS_MAX: usize = 32;
const READINGS_MAX: u32 = 10_000;

/// What came from a topic.
pub struct Arrived<'a> {
    /// The pseudonym.
    pub key: &'a [u8],
    /// The record as JSON.
    pub value: &'a [u8],
    /// Names and values.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// What the headers say.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    /// The record's own id.
    pub id: &'a [u8],
    /// Of the policy.
    pub version: &'a [u8],
    /// The reference of the consent it rests on.
    pub consent: Option<&'a [u8]>,
    /// When its life ends.
    pub expires_ms: i64,
    /// What it weighs in the ledger.
    pub readings: u32,
}

/// Read the headers of a record of this output.
///
/// # Errors
/// If they are unusual.
pub fn stamp<'a>(arrived: &Arrived<'a>, output: &[u8]) -> Usual<Stamp<'a>> {
    let headers = arrived.headers;
    if headers.len() > HEADERS_MAX {
        return Err(Unusual);
    }
    let (mut id, mut expires, mut version, mut purpose, mut readings, mut consent) =
        (None, None, None, None, None, None);
    for (place, (name, value)) in headers.iter().enumerate() {
        let slot = match *name {
            b"ce_id" => &mut id,
            b"expires_at" => &mut expires,
            b"policy_version" => &mut version,
            b"purpose" => &mut purpose,
            b"readings" => &mut readings,
            b"consent" => &mut consent,
            _ => {
                // Any name that is given twice is ambiguous.
                if headers.iter().take(place).any(|(before, _)| before == name) {
                    return Err(Unusual);
                }
                continue;
            }
        };
        if !value.is_ascii() || slot.replace(*value).is_some() {
            return Err(Unusual);
        }
    }
    let (id, version) = (id.ok_or(Unusual)?, version.ok_or(Unusual)?);
    let longest = [id, version, consent.unwrap_or_default()].map(<[u8]>::len);
    if id.is_empty() || longest.iter().any(|&bytes| bytes > HEADER_BYTES_MAX) {
        return Err(Unusual);
    }
    let expires_ms = instants::read(expires.ok_or(Unusual)?)?;
    let on_grain = expires_ms % MINUTE_MS == 0 && (0..=INSTANT_MS_MAX).contains(&expires_ms);
    let same = is_of(purpose.ok_or(Unusual)?, output);
    if !on_grain || !same {
        return Err(Unusual);
    }
    let readings = count(readings.ok_or(Unusual)?)?;
    Ok(Stamp { id, version, consent, expires_ms, readings })
}

/// Whether an output is its purpose, or one of its purpose.
fn is_of(purpose: &[u8], output: &[u8]) -> bool {
    output.strip_prefix(purpose).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

fn count(text: &[u8]) -> Usual<u32> {
    if text.is_empty() || text.len() > 5 {
        return Err(Unusual);
    }
    let mut number = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return Err(Unusual);
        }
        number = number * 10 + u32::from(byte - b'0');
    }
    if number > READINGS_MAX { Err(Unusual) } else { Ok(number) }
}

/// The reference of a consent among the words, or NONE.
///
/// # Errors
/// If there are as many words as can be numbered.
pub fn consent(stamp: &Stamp<'_>, held: &mut Held) -> Usual<u32> {
    stamp.consent.map_or(Ok(NONE), |text| held.words.code(text))
}
