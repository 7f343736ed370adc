//! Records that came from a topic to the columns of parts, as Python drives it.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::rows::gathering::Gathering as Rows;
use crate::rows::held::{Fate, Record};
use crate::rows::judging::{Column, Lane};
use crate::rows::lengths::Length;
use crate::rows::part::Part;
use crate::rows::ranks::{Coded, Valid};
use crate::rows::stamp::Arrived;
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
        for arrived in records {
            let place = self.rows.batch().len();
            let found = read(&mut self.rows, &arrived)?;
            self.places.push(found.ok().map(|()| place));
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

    /// By record: digest of its id, its end, and its readings; None if another path has to read it.
    fn stamps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let stamp = |record: &Record| {
            let digest = PyBytes::new(py, &self.rows.digest(record));
            (digest, record.expires_ms, record.readings).into_pyobject(py)
        };
        let batch = self.rows.batch();
        let stamps = PyList::empty(py);
        for place in &self.places {
            let record = place.and_then(|place| batch.get(place));
            match record.filter(|record| record.fate == Fate::Read) {
                Some(record) => stamps.append(stamp(record)?)?,
                None => stamps.append(py.None())?,
            }
        }
        Ok(stamps)
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

/// One record behind the others; an error of Python's own is raised there.
fn read(rows: &mut Rows, arrived: &Bound<'_, PyAny>) -> PyResult<Usual<()>> {
    let py = arrived.py();
    let (key, value) =
        (arrived.getattr(intern!(py, "key"))?, arrived.getattr(intern!(py, "value"))?);
    let (Ok(key), Ok(value)) = (key.cast::<PyBytes>(), value.cast::<PyBytes>()) else {
        return Ok(Err(Unusual));
    };
    // A time that a producer gave, or nobody knows who, decides nothing: the exact path knows.
    match arrived.getattr(intern!(py, "broker_dated")) {
        Ok(by_broker) if by_broker.is_truthy()? => (),
        _ => return Ok(Err(Unusual)),
    }
    let Ok(appended_ms) = arrived.getattr(intern!(py, "timestamp_ms"))?.extract::<i64>() else {
        return Ok(Err(Unusual));
    };
    let Some(pairs) = pairs(&arrived.getattr(intern!(py, "headers"))?) else {
        return Ok(Err(Unusual));
    };
    let mut headers = Vec::with_capacity(pairs.len());
    for (name, value) in &pairs {
        let Ok(name) = name.to_str() else { return Ok(Err(Unusual)) };
        headers.push((name.as_bytes(), value.as_bytes()));
    }
    let arrived = Arrived { key: key.as_bytes(), value: value.as_bytes(), headers: &headers };
    Ok(rows.read(&arrived, appended_ms))
}

/// Names and values of headers; None if they are anything else.
fn pairs<'py>(
    headers: &Bound<'py, PyAny>,
) -> Option<Vec<(Bound<'py, PyString>, Bound<'py, PyBytes>)>> {
    if let Ok(list) = headers.cast::<PyList>() {
        return list.iter().map(|one| pair(&one)).collect();
    }
    headers.cast::<PyTuple>().ok()?.iter().map(|one| pair(&one)).collect()
}

fn pair<'py>(header: &Bound<'py, PyAny>) -> Option<(Bound<'py, PyString>, Bound<'py, PyBytes>)> {
    let header = header.cast::<PyTuple>().ok()?;
    let (name, value) = (header.get_item(0).ok()?, header.get_item(1).ok()?);
    let sound = header.len() == 2;
    Some((name.cast_into().ok()?, value.cast_into().ok()?)).filter(|_| sound)
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
