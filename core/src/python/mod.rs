//! The module `roadfade_core`, as Python imports it; its stub is `roadfade_core.pyi`.
//!
//! What stands here turns Python's values into ours and back, and nothing else.

mod fetching;
mod gathered;
mod gathering;
mod outcomes;
mod people;
mod record_batches;
mod time_state;
mod usual_path;

use pyo3::prelude::*;

/// See the stub.
#[pyfunction]
#[allow(clippy::panic)] // that is what it is for
fn panic_on_purpose() {
    panic!("on purpose");
}

/// What Python finds in the module.
#[pymodule]
mod roadfade_core {
    use pyo3::prelude::*;

    /// What a panic says may quote what was being read: its place says enough.
    #[pymodule_init]
    #[allow(clippy::unnecessary_wraps)] // pyo3 asks for a result
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
            eprintln!("roadfade_core: a mistake of ours{place}");
        }));
        Ok(())
    }

    #[pymodule_export]
    const INTERFACE: u32 = crate::INTERFACE;

    #[pymodule_export]
    use super::panic_on_purpose;

    #[pymodule_export]
    use super::gathering::Gathering;

    #[pymodule_export]
    use super::people::People;

    #[pymodule_export]
    use super::record_batches::{OversizedError, RecordBatches, seal};

    #[pymodule_export]
    use super::time_state::{Room, TimeState};

    #[pymodule_export]
    use super::usual_path::UsualPath;
}
