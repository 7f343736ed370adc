//! The module `roadfade_core`, as Python imports it; its stub is `roadfade_core.pyi`.

use pyo3::prelude::*;

mod outcomes;
mod usual;

/// What Python finds in the module.
#[pymodule]
mod roadfade_core {
    #[pymodule_export]
    const INTERFACE: u32 = crate::INTERFACE;

    #[pymodule_export]
    use super::usual::UsualPath;
}
