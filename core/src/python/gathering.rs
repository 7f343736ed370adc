//! Records that came from a topic to the columns of parts, as Python drives it.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::fetching::{AT_ONCE, Fetched};

use crate::rows::gathering::Gathering as Rows;
use crate::rows::held::Fate;
use crate::rows::judging::{Column, Lane};
use crate::rows::lengths::Length;
use crate::rows::part::Part;
use crate::rows::ranks::{Coded, Valid};
use crate::unusual::{Unusual, Usual};

/// Low, high and step of numbers; or who is asked about texts.
#[derive(FromPyObject)]
enum Taught {
    Numbers(Option<f64>, Option<f64>, f64),
    #[pyo3(transparent)]
    Texts(u32),
}

/// Name, floor, milliseconds and months that a reading may be kept, columns of each run.
type TaughtLane = (String, i64, i64, i64, Vec<Vec<Taught>>);

/// A shape: its number, the version, and signal, unit and whether it holds texts, of each run.
type Asked = (u32, String, Vec<(String, String, bool)>);

/// A column each: digests, ends, readings.
type Stamps<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>);

/// See the stub.
#[pyclass(module = "roadfade_core")]
pub struct Gathering {
    rows: Rows,
    /// By record of the batch: its place among those that were read.
    places: Vec<Option<usize>>,
}

#[pymethods]
impl Gathering {
    #[new]
    fn new(output: &str, remembered_max: usize) -> Self {
        Gathering { rows: Rows::new(output.as_bytes(), remembered_max), places: vec![] }
    }

    fn begin(&mut self) -> bool {
        self.places.clear();
        self.rows.begin()
    }

    fn read(&mut self, records: &Bound<'_, PyList>) -> PyResult<()> {
        self.rows.begin_batch();
        self.places.clear();
        for from in (0..records.len()).step_by(AT_ONCE) {
            let some: Vec<_> = records.get_slice(from, from + AT_ONCE).iter().collect();
            Fetched::of(&some)?.each(|one| {
                let place = self.rows.batch().len();
                let read =
                    one.is_some_and(|(arrived, at_ms)| self.rows.read(arrived, at_ms).is_ok());
                self.places.push(read.then_some(place));
            });
        }
        Ok(())
    }

    fn unknown(&self) -> Vec<Asked> {
        let name = |code| text(self.rows.held.names.get(code));
        let shapes = self.rows.judging.unknown(self.rows.batch());
        shapes
            .into_iter()
            .map(|(number, shape)| {
                let runs = shape.runs.iter();
                let runs = runs.map(|&(signal, unit, texts)| (name(signal), name(unit), texts));
                (number, name(shape.version), runs.collect())
            })
            .collect()
    }

    fn teach(&mut self, shape: u32, lanes: Vec<TaughtLane>) -> PyResult<()> {
        let lanes = lanes.into_iter().map(|lane| self.lane(lane)).collect::<Usual<_>>();
        let taught = lanes.is_ok_and(|lanes| self.rows.judging.teach(shape, lanes));
        if taught { Ok(()) } else { Err(PyValueError::new_err("these are no lanes of this shape")) }
    }

    fn unjudged(&self) -> Vec<(u32, String)> {
        let held = &self.rows.held;
        let words = self.rows.judging.unjudged(held, self.rows.batch());
        words.into_iter().map(|(asker, word)| (asker, text(held.words.get(word)))).collect()
    }

    fn answer(&mut self, asker: u32, text: &str, yes: bool) {
        self.rows.judging.answer(asker, text.as_bytes(), yes);
    }

    fn judge(&mut self, now_ms: i64) {
        self.rows.judge(now_ms);
    }

    /// By record: digest of its id, or None if another path has to read it; its end, its readings.
    fn stamps<'py>(&self, py: Python<'py>) -> PyResult<Stamps<'py>> {
        let batch = self.rows.batch();
        let (digests, ends, readings) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
        // Most end together.
        let mut end = (0, 0i64.into_pyobject(py)?);
        for place in &self.places {
            let record = place.and_then(|place| batch.get(place));
            let Some(record) = record.filter(|record| record.fate == Fate::Read) else {
                digests.append(py.None())?;
                ends.append(0)?;
                readings.append(0)?;
                continue;
            };
            if end.0 != record.expires_ms {
                end = (record.expires_ms, record.expires_ms.into_pyobject(py)?);
            }
            digests.append(PyBytes::new(py, &self.rows.digest(record)))?;
            ends.append(&end.1)?;
            readings.append(record.readings)?;
        }
        Ok((digests, ends, readings))
    }

    #[allow(clippy::needless_pass_by_value)] // arguments come as values
    fn keep(&mut self, kept: Vec<usize>) -> PyResult<(usize, u64)> {
        let place = |&nth: &usize| self.places.get(nth).copied().flatten().ok_or(Unusual);
        let places = kept.iter().map(place).collect::<Usual<Vec<usize>>>();
        let found = places.and_then(|places| self.rows.keep(&places));
        found.map_err(|Unusual| PyValueError::new_err("a record that was not read cannot be kept"))
    }

    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let parts =
            self.rows.take().map_err(|Unusual| PyOverflowError::new_err("too many rows"))?;
        self.places.clear();
        parts.iter().map(|part| taken(py, part)).collect()
    }
}

impl Gathering {
    fn lane(&mut self, taught: TaughtLane) -> Usual<Lane> {
        let (name, floor_ms, period_ms, months, columns) = taught;
        let column = |one: Taught| match one {
            Taught::Numbers(low, high, step) => Column::Numbers { low, high, step },
            Taught::Texts(asker) => Column::Texts(asker),
        };
        let of_run = |run: Vec<Taught>| run.into_iter().map(column).collect();
        let length = if months == 0 { Length::Ms(period_ms) } else { Length::Months(months) };
        let name = self.rows.held.names.code(name.as_bytes())?;
        Ok(Lane { name, floor_ms, length, columns: columns.into_iter().map(of_run).collect() })
    }
}

/// A part: its end, rows, append times, and its columns by name.
fn taken<'py>(py: Python<'py>, part: &Part) -> PyResult<Bound<'py, PyTuple>> {
    let columns = PyDict::new(py);
    for (name, column) in [
        ("record", &part.record),
        ("pseudonym", &part.pseudonym),
        ("signal", &part.signal),
        ("text", &part.text),
        ("unit", &part.unit),
        ("policy_version", &part.policy_version),
        ("lane", &part.lane),
        ("consent", &part.consent),
    ] {
        columns.set_item(name, coded(py, column)?)?;
    }
    let number = (PyBytes::new(py, &part.numbers), valid(py, &part.has_number));
    columns.set_item("number", number)?;
    columns.set_item("t", PyBytes::new(py, &part.times))?;
    (part.expires_ms, part.rows, part.appended_ms.0, part.appended_ms.1, columns).into_pyobject(py)
}

fn coded<'py>(py: Python<'py>, column: &Coded) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    (
        bytes(&column.codes),
        valid(py, &column.valid),
        bytes(&column.offsets),
        bytes(&column.data),
        column.different,
    )
        .into_pyobject(py)
}

/// The bits, if any is 0.
fn valid<'py>(py: Python<'py>, valid: &Valid) -> Option<Bound<'py, PyBytes>> {
    (valid.nulls > 0).then(|| PyBytes::new(py, &valid.bits))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
