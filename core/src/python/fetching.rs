//! What stands in records of Python, fetched of several of them at a time.
//!
//! A record is some twenty objects, and a batch is more than a processor's cache: nearly each of
//! them has to come from memory. Step by step over several records those waits fall together, where
//! record by record they add up.

use std::hint::black_box;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::rows::held::Ends;
use crate::rows::stamp::Arrived;

/// So many records that what they hold stays in the fastest cache.
pub const AT_ONCE: usize = 16;
/// What memory hands over at a time.
const LINE_BYTES: usize = 64;

/// What a record has but for its headers.
struct Body<'py> {
    key: Bound<'py, PyBytes>,
    value: Bound<'py, PyBytes>,
    appended_ms: i64,
    headers: Bound<'py, PyAny>,
}

/// Several records; those without a body are not to be read here.
pub struct Fetched<'py> {
    bodies: Vec<Option<Body<'py>>>,
    /// Names and values of headers, of all records; None: it is anything else.
    pairs: Vec<Option<Pair<'py>>>,
    /// By record, of `pairs`.
    headers: Vec<Ends>,
}

type Pair<'py> = (Bound<'py, PyString>, Bound<'py, PyBytes>);

impl<'py> Fetched<'py> {
    /// Of these records.
    ///
    /// # Errors
    /// Python's own.
    pub fn of(records: &[Bound<'py, PyAny>]) -> PyResult<Self> {
        let bodies = records.iter().map(body).collect::<PyResult<Vec<_>>>()?;
        let (mut tuples, mut headers) = (vec![], vec![]);
        for body in &bodies {
            let from = tuples.len();
            if let Some(body) = body {
                put_headers(&body.headers, &mut tuples);
                touch(body.value.as_bytes());
            }
            headers.push(Ends { from, to: tuples.len() });
        }
        let pairs = tuples.iter().map(|tuple| tuple.as_ref().and_then(pair)).collect();
        Ok(Fetched { bodies, pairs, headers })
    }

    /// Have each of them read: as it arrived, and when its topic took it; None: it is unusual.
    pub fn each(&self, mut read: impl FnMut(Option<(&Arrived<'_>, i64)>)) {
        let texts: Vec<_> = self.pairs.iter().map(|pair| pair.as_ref().and_then(texts)).collect();
        let mut headers = Vec::new();
        for (body, ends) in self.bodies.iter().zip(&self.headers) {
            headers.clear();
            headers.extend(ends.of(&texts).iter().copied().flatten());
            let Some(body) = body.as_ref().filter(|_| headers.len() == ends.count()) else {
                read(None);
                continue;
            };
            let (key, value) = (body.key.as_bytes(), body.value.as_bytes());
            read(Some((&Arrived { key, value, headers: &headers }, body.appended_ms)));
        }
    }
}

/// What a record has; None if any of it is unusual. An error of Python's own is raised.
fn body<'py>(arrived: &Bound<'py, PyAny>) -> PyResult<Option<Body<'py>>> {
    let py = arrived.py();
    let key = arrived.getattr(intern!(py, "key"))?;
    let value = arrived.getattr(intern!(py, "value"))?;
    let headers = arrived.getattr(intern!(py, "headers"))?;
    // A time that a producer gave, or nobody knows who, decides nothing: the exact path knows.
    match arrived.getattr(intern!(py, "broker_dated")) {
        Ok(by_broker) if by_broker.is_truthy()? => (),
        _ => return Ok(None),
    }
    let Ok(appended_ms) = arrived.getattr(intern!(py, "timestamp_ms"))?.extract() else {
        return Ok(None);
    };
    let (Ok(key), Ok(value)) = (key.cast_into(), value.cast_into()) else { return Ok(None) };
    Ok(Some(Body { key, value, appended_ms, headers }))
}

/// The headers of a record behind those of others; one that is no tuple is None.
fn put_headers<'py>(headers: &Bound<'py, PyAny>, out: &mut Vec<Option<Bound<'py, PyTuple>>>) {
    if let Ok(list) = headers.cast::<PyList>() {
        out.extend(list.iter().map(|one| one.cast_into().ok()));
    } else if let Ok(tuple) = headers.cast::<PyTuple>() {
        out.extend(tuple.iter().map(|one| one.cast_into().ok()));
    } else {
        out.push(None);
    }
}

fn pair<'py>(header: &Bound<'py, PyTuple>) -> Option<Pair<'py>> {
    let (name, value) = (header.get_borrowed_item(0).ok()?, header.get_borrowed_item(1).ok()?);
    let pair = (name.cast::<PyString>().ok()?, value.cast::<PyBytes>().ok()?);
    (header.len() == 2).then(|| (pair.0.to_owned(), pair.1.to_owned()))
}

/// A name that is no sound text is unusual.
fn texts<'a>((name, value): &'a Pair<'_>) -> Option<(&'a [u8], &'a [u8])> {
    Some((name.to_str().ok()?.as_bytes(), value.as_bytes()))
}

/// Have all of it come from memory, its parts at the same time.
fn touch(bytes: &[u8]) {
    black_box(bytes.iter().step_by(LINE_BYTES).fold(0, |sum, byte| sum ^ byte));
}
