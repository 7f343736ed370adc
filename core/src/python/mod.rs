//! The module `roadfade_core`, as Python imports it; its stub is `roadfade_core.pyi`.
//!
//! What stands here turns Python's values into ours and back, and nothing else.

mod outcomes;
mod record_batches;
mod time_state;
mod usual_path;

use pyo3::prelude::*;

/// What Python finds in the module.
#[pymodule]
mod roadfade_core {
    #[pymodule_export]
    const INTERFACE: u32 = crate::INTERFACE;

    #[pymodule_export]
    use super::record_batches::{FullError, OversizedError, RecordBatches, seal};

    #[pymodule_export]
    use super::time_state::{Room, TimeState};

    #[pymodule_export]
    use super::usual_path::UsualPath;
}
