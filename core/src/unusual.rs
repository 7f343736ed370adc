//! What the usual path answers to whatever it does not know: the exact path decides.

/// This envelope is for the exact path; it says nothing about what is wrong, if anything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual;

/// A value of the usual path, or the exact path's turn.
pub type Usual<T> = Result<T, Unusual>;
