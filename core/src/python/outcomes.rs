//! Purpose records as Python objects.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::purpose_record::{Record, Sink};

/// Puts each record, as an object that `make` makes of its parts, behind the others of a list.
pub struct Outcomes<'py, 'a> {
    pub make: &'a Bound<'py, PyAny>,
    pub topics: &'a [Py<PyString>],
    pub out: &'a Bound<'py, PyList>,
    /// What Python raised, to be raised there again.
    pub failed: Option<PyErr>,
}

/// A sink that can fail: nothing more is put then.
pub trait Fallible: Sink {
    /// Why it failed, if it did.
    fn failed(&mut self) -> Option<PyErr>;
}

impl Fallible for Outcomes<'_, '_> {
    fn failed(&mut self) -> Option<PyErr> {
        self.failed.take()
    }
}

impl Outcomes<'_, '_> {
    fn append(&self, record: &Record<'_>) -> PyResult<()> {
        let py = self.out.py();
        let header = |name: &str, text: &[u8]| {
            PyTuple::new(py, [PyString::intern(py, name).as_any(), PyBytes::new(py, text).as_any()])
        };
        let headers = PyList::empty(py);
        headers.append(header("ce_id", record.id)?)?;
        for (name, text) in record.fixed.pairs.iter().chain(&record.own.pairs) {
            headers.append(header(name, text)?)?;
        }
        headers.append(header("expires_at", record.expires_at)?)?;
        headers.append(header("readings", record.readings.to_string().as_bytes())?)?;
        let topic = self.topics.get(record.route as usize).map(|topic| topic.bind(py));
        let made = self.make.call1((
            topic,
            record.partition,
            PyBytes::new(py, record.key),
            PyBytes::new(py, record.value),
            headers,
        ))?;
        self.out.append(made)
    }
}

impl Sink for Outcomes<'_, '_> {
    fn put(&mut self, record: &Record<'_>) {
        if self.failed.is_none() {
            self.failed = self.append(record).err();
        }
    }
}
