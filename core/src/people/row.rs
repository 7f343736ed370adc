//! The rows of people: `telemetry/wire/control.py`, in Rust.

use std::borrow::Cow;

/// A registration, a link or a consent; roles and bases are numbered by whoever gives the words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as in `telemetry/wire/control.py`
pub enum Row<'a> {
    Registration {
        device: &'a [u8],
        registered_ms: i64,
        service: Option<&'a [u8]>,
    },
    Link {
        link: Cow<'a, [u8]>,
        device: &'a [u8],
        subject: &'a [u8],
        secret: Cow<'a, [u8]>,
        from_ms: i64,
        to_ms: Option<i64>,
        role: u8,
    },
    Consent {
        consent: Cow<'a, [u8]>,
        subject: &'a [u8],
        purpose: &'a [u8],
        basis: u8,
        recipient: Option<&'a [u8]>,
        notice: &'a [u8],
        from_ms: i64,
        to_ms: Option<i64>,
    },
}
