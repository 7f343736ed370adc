//! Record batches for Python: gathered from records, and sealed as they are sent.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::record::{Headers, Record};
use crate::record_batch::{self, Compression, HEADER_LEN, RecordBatch, Sender};
use crate::record_batches::{self, Lane, Oversized};

create_exception!(roadfade_core, OversizedError, PyException, "A record no batch can hold.");

/// See the stub.
#[pyclass(module = "roadfade_core")]
pub struct RecordBatches(pub(crate) record_batches::RecordBatches);

/// Topic, partition, number of records, and the batch.
type Taken<'py> = (u32, u32, u32, Bound<'py, PyBytes>);

#[pymethods]
impl RecordBatches {
    #[new]
    #[pyo3(signature = (*, compression, batch_bytes_max))]
    fn new(compression: Option<&str>, batch_bytes_max: usize) -> PyResult<Self> {
        let compression = match compression {
            None => Compression::None,
            Some("zstd") => Compression::zstd().map_err(|_| PyMemoryError::new_err(()))?,
            Some(_) => return Err(PyValueError::new_err("compression is zstd or None")),
        };
        Ok(Self(record_batches::RecordBatches::new(batch_bytes_max, compression)))
    }

    #[allow(clippy::needless_pass_by_value)] // arguments come as values
    fn append(
        &mut self,
        topic: u32,
        partition: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Vec<(Bound<'_, PyString>, Bound<'_, PyBytes>)>,
    ) -> PyResult<()> {
        let mut ready = Vec::with_capacity(headers.len());
        for (name, value) in &headers {
            ready.push(Headers::One(name.to_str()?.as_bytes(), value.as_bytes()));
        }
        let record = Record { key, value, headers: &ready };
        self.0.append(Lane { topic, partition }, &record).map_err(refusal)
    }

    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Taken<'py>>> {
        let taken = self.0.take().map_err(|_| PyMemoryError::new_err(()))?;
        taken
            .into_iter()
            .map(|(lane, batch)| Ok((lane.topic, lane.partition, batch.count, whole(py, &batch)?)))
            .collect()
    }
}

/// Why a record was not taken, as Python raises it.
pub(crate) fn refusal(_: Oversized) -> PyErr {
    OversizedError::new_err("a record is larger than a batch may be")
}

/// See the stub.
#[pyfunction]
#[pyo3(signature = (batch, *, timestamp_ms, producer_id, producer_epoch, base_sequence))]
pub fn seal<'py>(
    py: Python<'py>,
    batch: &[u8],
    timestamp_ms: i64,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
) -> PyResult<Bound<'py, PyBytes>> {
    let sender = Sender { timestamp_ms, producer_id, producer_epoch, base_sequence };
    PyBytes::new_with(py, batch.len(), |sealed| {
        sealed.copy_from_slice(batch);
        record_batch::seal(sealed, &sender).ok_or_else(|| PyValueError::new_err("no whole batch"))
    })
}

fn whole<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, HEADER_LEN + batch.records.len(), |bytes| {
        let (header, records) = bytes.split_at_mut(HEADER_LEN);
        header.copy_from_slice(&batch.header);
        records.copy_from_slice(&batch.records);
        Ok(())
    })
}
