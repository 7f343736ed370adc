//! The usual path as Python drives it, a slice of records at a time.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::gathered::Gathered;
use super::outcomes::{Fallible, Outcomes};
use super::record_batches::RecordBatches;
use super::time_state::TimeState;
use crate::unusual::Unusual;
use crate::usual_path::{Ask, Counted, UsualPath as Path};

/// Envelopes in, purpose records out; what is missing is asked for.
#[pyclass(module = "roadfade_core")]
pub struct UsualPath {
    path: Path,
    topics: Vec<Py<PyString>>,
    topic_numbers: Vec<u32>,
    make: Py<PyAny>,
    h3_cell: Py<PyAny>,
}

#[pymethods]
impl UsualPath {
    #[new]
    fn new(py: Python<'_>, tables: &[u8], make: Py<PyAny>, h3_cell: Py<PyAny>) -> PyResult<Self> {
        let path = Path::new(tables)
            .ok_or_else(|| PyValueError::new_err("these are no tables of this core"))?;
        let topics =
            path.topics().iter().map(|topic| PyString::intern(py, topic).unbind()).collect();
        let topic_numbers = numbered(path.topics());
        Ok(UsualPath { path, topics, topic_numbers, make, h3_cell })
    }

    /// Records from `start` on, put behind `out`: where it stopped, and what it asks for.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // Python calls so
    fn run<'py>(
        &mut self,
        py: Python<'py>,
        values: &Bound<'py, PyList>,
        received_ms: Vec<i64>,
        start: usize,
        now_ms: i64,
        mut state: PyRefMut<'py, TimeState>,
        out: &Bound<'py, PyList>,
    ) -> PyResult<Stopped<'py>> {
        let make = self.make.bind(py);
        let mut sink = Outcomes { make, topics: &self.topics, out, failed: None };
        let slice = Slice { values, received_ms: &received_ms, start, now_ms };
        drive(&mut self.path, &slice, self.h3_cell.bind(py), &mut state.0, &mut sink)
    }

    /// The same, put into batches; topics are numbered in the order in which routes name them.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // Python calls so
    fn gather<'py>(
        &mut self,
        py: Python<'py>,
        values: &Bound<'py, PyList>,
        received_ms: Vec<i64>,
        start: usize,
        now_ms: i64,
        mut state: PyRefMut<'py, TimeState>,
        mut batches: PyRefMut<'py, RecordBatches>,
    ) -> PyResult<Stopped<'py>> {
        let mut sink =
            Gathered { batches: &mut batches.0, topics: &self.topic_numbers, failed: None };
        let slice = Slice { values, received_ms: &received_ms, start, now_ms };
        drive(&mut self.path, &slice, self.h3_cell.bind(py), &mut state.0, &mut sink)
    }

    fn teach_device(&mut self, device: &str, taught: &[u8]) -> bool {
        self.path.teach_device(device.as_bytes(), taught)
    }

    fn teach_minute(&mut self, minute: i64, taught: &[u8]) -> bool {
        self.path.teach_minute(minute, taught)
    }

    fn teach_late(&mut self, decision: u32, late: Vec<u32>, becomes: u32) {
        self.path.teach_late(decision, late, becomes);
    }

    #[allow(clippy::needless_pass_by_value)] // arguments come as values
    fn teach_column_plan(&mut self, decision: u32, present: Vec<u16>, taught: &[u8]) -> bool {
        self.path.teach_column_plan(decision, &present, taught)
    }

    fn forget_device(&mut self, device: &str) -> bool {
        self.path.devices().forget(device.as_bytes())
    }

    fn forget_devices(&mut self) -> bool {
        self.path.devices().forget_all()
    }

    fn settle(&mut self) {
        self.path.devices().settle();
    }

    /// Whether this id of this device is remembered with another content.
    fn reused(&mut self, device: &str, envelope_id: &str, content: [u8; 16]) -> bool {
        self.path.ids().reused(device.as_bytes(), envelope_id.as_bytes(), content)
    }

    /// Sums since the last call: rows by decision, not collected, envelopes, reused ids.
    fn take_counted<'py>(
        &mut self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyDict>, u64, u64, u64)> {
        let Counted { rows, not_collected, envelopes, reused_ids } =
            std::mem::take(&mut self.path.counted);
        let found = PyDict::new(py);
        for (decision, row) in rows {
            found.set_item(decision, row)?;
        }
        Ok((found, not_collected, envelopes, reused_ids))
    }
}

/// Where a slice stopped, and what is asked for; nothing if all of it is done.
type Stopped<'py> = (usize, Option<Bound<'py, PyAny>>);

/// Raw records, and when they are judged.
struct Slice<'a, 'py> {
    values: &'a Bound<'py, PyList>,
    received_ms: &'a [i64],
    start: usize,
    now_ms: i64,
}

fn drive<'py>(
    path: &mut Path,
    slice: &Slice<'_, 'py>,
    h3_cell: &Bound<'py, PyAny>,
    state: &mut crate::time_state::TimeState,
    sink: &mut impl Fallible,
) -> PyResult<Stopped<'py>> {
    let mut h3 = |latitude: f64, longitude: f64, resolution: u8, cell: &mut Vec<u8>| {
        let made = h3_cell.call1((latitude, longitude, resolution)).map_err(|_| Unusual)?;
        cell.extend_from_slice(made.extract::<String>().map_err(|_| Unusual)?.as_bytes());
        Ok(())
    };
    for (place, &received_ms) in slice.received_ms.iter().enumerate().skip(slice.start) {
        let value = slice.values.get_item(place)?;
        let done = match value.cast::<PyBytes>() {
            Ok(value) => {
                path.run(value.as_bytes(), received_ms, slice.now_ms, state, &mut h3, sink)
            }
            Err(_) => Err(Ask::Exact),
        };
        if let Some(failed) = sink.failed() {
            return Err(failed);
        }
        if let Err(ask) = done {
            return Ok((place, Some(asked(h3_cell.py(), ask)?)));
        }
    }
    Ok((slice.received_ms.len(), None))
}

/// A number for each name, the same for equal ones, in the order in which they first stand there.
fn numbered(names: &[String]) -> Vec<u32> {
    let mut different: Vec<&String> = Vec::new();
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        let number = different.iter().position(|one| *one == name).unwrap_or_else(|| {
            different.push(name);
            different.len() - 1
        });
        numbers.push(u32::try_from(number).unwrap_or(u32::MAX));
    }
    numbers
}

/// An `Ask` as a tuple that begins with its name.
fn asked(py: Python<'_>, ask: Ask) -> PyResult<Bound<'_, PyAny>> {
    match ask {
        Ask::Exact => ("exact",).into_pyobject(py).map(Bound::into_any),
        Ask::Device { device, t0_ms, epoch_ms } => {
            let device = String::from_utf8_lossy(&device).into_owned();
            ("device", device, t0_ms, epoch_ms).into_pyobject(py).map(Bound::into_any)
        }
        Ask::Minute(minute) => ("minute", minute).into_pyobject(py).map(Bound::into_any),
        Ask::Late { decision, late } => {
            ("late", decision, late).into_pyobject(py).map(Bound::into_any)
        }
        Ask::ColumnPlan { decision, present } => {
            ("column_plan", decision, present).into_pyobject(py).map(Bound::into_any)
        }
    }
}
