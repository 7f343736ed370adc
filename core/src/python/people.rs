//! People in memory for Python: `processors/core_people.py` says what it does with them.

use std::borrow::Cow;

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::people;
use crate::people::changes::Of;
use crate::people::control_row::Words;
use crate::people::row::Row;
use crate::people::usual_rows::{Change, Place};

/// See the stub.
#[pyclass(module = "roadfade_core")]
pub struct People(people::People);

type Bytes<'py> = Bound<'py, PyBytes>;
/// Link, device, subject, secret, from, to, role.
type Link<'py> = (Bytes<'py>, Bytes<'py>, Bytes<'py>, Bytes<'py>, i64, Option<i64>, u8);
/// Consent, subject, purpose, basis, recipient, notice, from, to.
type Consent<'py> =
    (Bytes<'py>, Bytes<'py>, Bytes<'py>, u8, Option<Bytes<'py>>, Bytes<'py>, i64, Option<i64>);

#[pymethods]
impl People {
    #[new]
    fn new(roles: Vec<String>, bases: Vec<String>, changes_kept_max: usize) -> PyResult<Self> {
        if roles.len().max(bases.len()) > usize::from(u8::MAX) {
            return Err(PyValueError::new_err("a closed set has fewer words"));
        }
        let boxed = |words: Vec<String>| words.into_iter().map(Into::into).collect();
        let words = Words { roles: boxed(roles), bases: boxed(bases) };
        Ok(People(people::People::new(words, changes_kept_max)))
    }

    fn put_registration(
        &mut self,
        key: &[u8],
        device: &[u8],
        registered_ms: i64,
        service: Option<&[u8]>,
    ) -> PyResult<()> {
        self.put(key, &Row::Registration { device, registered_ms, service })
    }

    #[allow(clippy::too_many_arguments)] // a row has so many parts
    fn put_link(
        &mut self,
        key: &[u8],
        link: &[u8],
        device: &[u8],
        subject: &[u8],
        secret: &[u8],
        from_ms: i64,
        to_ms: Option<i64>,
        role: u8,
    ) -> PyResult<()> {
        let (link, secret) = (Cow::Borrowed(link), Cow::Borrowed(secret));
        self.put(key, &Row::Link { link, device, subject, secret, from_ms, to_ms, role })
    }

    #[allow(clippy::too_many_arguments)] // as above
    fn put_consent(
        &mut self,
        key: &[u8],
        consent: &[u8],
        subject: &[u8],
        purpose: &[u8],
        basis: u8,
        recipient: Option<&[u8]>,
        notice: &[u8],
        from_ms: i64,
        to_ms: Option<i64>,
    ) -> PyResult<()> {
        let consent = Cow::Borrowed(consent);
        let row =
            Row::Consent { consent, subject, purpose, basis, recipient, notice, from_ms, to_ms };
        self.put(key, &row)
    }

    fn remove(&mut self, key: &[u8]) -> PyResult<()> {
        self.0.apply(key, None).map_err(|_| full())
    }

    fn withhold(&mut self, key: &[u8]) -> bool {
        self.0.withhold(key)
    }

    fn is_withheld(&self, device: &[u8]) -> bool {
        self.0.is_withheld(device)
    }

    fn registrations<'py>(&self, py: Python<'py>, device: &[u8]) -> Vec<(i64, Option<Bytes<'py>>)> {
        let registered = |row| match row {
            Row::Registration { registered_ms, service, .. } => {
                Some((registered_ms, service.map(|name| PyBytes::new(py, name))))
            }
            _ => None,
        };
        self.0.of_device(device).filter_map(registered).collect()
    }

    fn links<'py>(&self, py: Python<'py>, device: &[u8]) -> Vec<Link<'py>> {
        let as_tuple = |row| match row {
            Row::Link { link, device, subject, secret, from_ms, to_ms, role } => {
                let [link, device, subject, secret] =
                    [&*link, device, subject, &*secret].map(|one| PyBytes::new(py, one));
                Some((link, device, subject, secret, from_ms, to_ms, role))
            }
            _ => None,
        };
        self.0.of_device(device).filter_map(as_tuple).collect()
    }

    fn consents<'py>(&self, py: Python<'py>, subject: &[u8]) -> Vec<Consent<'py>> {
        let as_tuple = |row| match row {
            Row::Consent {
                consent,
                subject,
                purpose,
                basis,
                recipient,
                notice,
                from_ms,
                to_ms,
            } => {
                let [consent, subject, purpose, notice] =
                    [&*consent, subject, purpose, notice].map(|one| PyBytes::new(py, one));
                let recipient = recipient.map(|one| PyBytes::new(py, one));
                Some((consent, subject, purpose, basis, recipient, notice, from_ms, to_ms))
            }
            _ => None,
        };
        self.0.of_subject(subject).filter_map(as_tuple).collect()
    }

    fn row_hash<'py>(&self, py: Python<'py>, key: &[u8]) -> Option<Bytes<'py>> {
        self.0.row_hash(key).map(|hash| PyBytes::new(py, &hash.to_be_bytes()))
    }

    fn keep_hash(&mut self, key: &[u8], hashed: [u8; 16]) -> bool {
        self.0.keep_hash(key, u128::from_be_bytes(hashed))
    }

    #[getter]
    fn position(&self) -> u64 {
        self.0.changes().position()
    }

    fn changes_since<'py>(
        &self,
        py: Python<'py>,
        position: u64,
    ) -> Option<Vec<(bool, Bytes<'py>)>> {
        let changes = self.0.changes().since(position)?;
        Some(changes.map(|(of, name)| (of == Of::Device, PyBytes::new(py, name))).collect())
    }

    /// Rows from `start` on, until one is not usual: its place, and how the contents changed.
    #[allow(clippy::too_many_arguments)] // Python calls so
    fn take_usual<'py>(
        &mut self,
        py: Python<'py>,
        keys: &Bound<'py, PyList>,
        values: &Bound<'py, PyList>,
        start: usize,
        mark: u8,
        kinds: (bool, bool, bool),
        partition: u32,
        partitions: u32,
    ) -> PyResult<(usize, u32, Bytes<'py>)> {
        let (registrations, links, consents) = kinds;
        let place = Place { mark, registrations, links, consents, partition, partitions };
        let mut change = Change::default();
        let mut at = start;
        while at < keys.len().min(values.len()) {
            let (key, value) = (keys.get_item(at)?, values.get_item(at)?);
            let (Ok(key), Ok(value)) = (key.cast::<PyBytes>(), value.cast::<PyBytes>()) else {
                break;
            };
            let taken = self.0.take_usual(&place, key.as_bytes(), value.as_bytes(), &mut change);
            if taken.is_err() {
                break;
            }
            at += 1;
        }
        Ok((at, change.rows, PyBytes::new(py, &change.digest.to_be_bytes())))
    }
}

impl People {
    fn put(&mut self, key: &[u8], row: &Row<'_>) -> PyResult<()> {
        self.0.apply(key, Some(row)).map_err(|_| full())
    }
}

fn full() -> PyErr {
    PyMemoryError::new_err("no more rows of people can be numbered")
}
