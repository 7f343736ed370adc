//! The state of rules over time for Python: `processors/state/port.py` says what it does.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::room;
use crate::time_state::{self, Mark};

/// See the stub.
#[pyclass(module = "roadfade_core", frozen)]
pub struct Room(room::Room);

#[pymethods]
impl Room {
    #[new]
    fn new(bins_max: i64) -> Self {
        Room(room::Room::new(bins_max))
    }

    #[getter]
    fn held(&self) -> i64 {
        self.0.held()
    }

    fn take_refused(&self) -> i64 {
        self.0.take_refused()
    }
}

/// See the stub.
#[pyclass(module = "roadfade_core")]
pub struct TimeState(pub(crate) time_state::TimeState);

#[pymethods]
impl TimeState {
    #[new]
    #[allow(clippy::needless_pass_by_value)] // arguments come as values
    fn new(lives_ms: Vec<i64>, window_ms: i64, room: PyRef<'_, Room>) -> Self {
        TimeState(time_state::TimeState::new(lives_ms, window_ms, room.0.clone()))
    }

    fn first_in_bin(
        &mut self,
        device: &str,
        rule: u32,
        bins: &Bound<'_, PyAny>,
        append_ms: i64,
    ) -> PyResult<Vec<u8>> {
        let bins: Vec<i64> = bins.try_iter()?.map(|bin| bin?.extract()).collect::<PyResult<_>>()?;
        let mut answers = Vec::with_capacity(bins.len());
        self.0
            .first_in_bin(device.as_bytes(), rule, bins, append_ms, |one| answers.push(one as u8));
        Ok(answers)
    }

    fn counted(&mut self, device: &str, rule: u32, readings: i64, append_ms: i64) -> Option<i64> {
        self.0.counted(device.as_bytes(), rule, readings, append_ms)
    }

    fn arrive(&mut self, append_ms: i64) {
        self.0.arrive(append_ms);
    }

    fn mark(&self) -> (usize, usize, i64, i64) {
        let mark = self.0.mark();
        (mark.bins, mark.counters, mark.at_ms, mark.refused)
    }

    fn roll_back(&mut self, mark: (usize, usize, i64, i64)) {
        let (bins, counters, at_ms, refused) = mark;
        self.0.roll_back(Mark { bins, counters, at_ms, refused });
    }

    fn adopt(&mut self) {
        self.0.adopt();
    }

    fn discard(&mut self) {
        self.0.discard();
    }

    fn lose(&mut self, until_ms: i64) {
        self.0.lose(until_ms);
    }

    fn reach(&mut self, append_ms: i64) {
        self.0.reach(append_ms);
    }

    fn close(&mut self) {
        self.0.close();
    }

    fn living<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (device, rule, bin, last_ms) in self.0.living() {
            found.set_item((String::from_utf8_lossy(device), rule, bin), last_ms)?;
        }
        Ok(found)
    }
}
