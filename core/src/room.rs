//! How much all partitions of one process may remember, and how often that was too little.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Shared by the states of all partitions.
#[derive(Clone, Debug)]
pub struct Room(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    bins_max: i64,
    held: AtomicI64,
    refused: AtomicI64,
}

impl Room {
    /// Room for so many bins and counters.
    #[must_use]
    pub fn new(bins_max: i64) -> Self {
        let (held, refused) = (AtomicI64::new(0), AtomicI64::new(0));
        Room(Arc::new(Taken { bins_max, held, refused }))
    }

    /// What is remembered, that included which is due to be dropped.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// How many were refused since this was asked last.
    #[must_use]
    pub fn take_refused(&self) -> i64 {
        self.0.refused.swap(0, Ordering::Relaxed)
    }

    /// Whether nothing new can be remembered.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held() >= self.0.bins_max
    }

    pub(crate) fn hold(&self, more: i64) {
        self.0.held.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, more: i64) {
        self.0.refused.fetch_add(more, Ordering::Relaxed);
    }
}
