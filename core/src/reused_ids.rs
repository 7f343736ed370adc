//! Which envelope ids came again with another content: for a warning, so within bounds.
//!
//! One memory for both paths: what the exact path sees is remembered here as well.

use std::hash::{BuildHasher, RandomState};

use rustc_hash::FxHashMap;

use crate::envelope::DIGEST_BYTES;

/// Remembers the first content of the latest ids.
pub struct ReusedIds {
    half: usize,
    names: RandomState,
    newer: FxHashMap<u64, [u8; DIGEST_BYTES]>,
    older: FxHashMap<u64, [u8; DIGEST_BYTES]>,
}

impl ReusedIds {
    pub fn new(kept_max: usize) -> Self {
        ReusedIds {
            half: kept_max / 2,
            names: RandomState::new(),
            newer: FxHashMap::default(),
            older: FxHashMap::default(),
        }
    }

    /// Whether this id of this device is remembered with another content.
    ///
    /// The first content stays remembered, so that a batch that is done again counts alike.
    pub fn reused(&mut self, device: &[u8], id: &[u8], content: [u8; DIGEST_BYTES]) -> bool {
        let name = self.names.hash_one((device, id));
        if let Some(first) = self.newer.get(&name).or_else(|| self.older.get(&name)) {
            return *first != content;
        }
        if self.newer.len() >= self.half {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name, content);
        false
    }
}
