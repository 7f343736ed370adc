//! What was decided for devices, each answer valid for intervals. Python, which taught them, bounds
//! how many there are and forgets them; of what links share, the least used go.

use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::record::ReadyHeaders;
use crate::tables::{DeviceTaught, StampTaught};

const KEY_BYTES_MAX: usize = 64;
/// Different sets of headers that links share.
const SHARED_MAX: usize = 10_000;

/// Names and values of headers, in their order.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// Some headers, as they are, and as a record holds them.
pub struct Headers {
    pub pairs: Pairs,
    pub ready: ReadyHeaders,
}

impl Headers {
    fn of(pairs: Pairs) -> Self {
        let mut ready = ReadyHeaders::default();
        for (name, text) in &pairs {
            ready.push(name.as_bytes(), text);
        }
        Headers { pairs, ready }
    }
}

/// What one route puts on the records of one link in one epoch.
pub struct Stamp {
    pub route: u32,
    pub partition: u32,
    /// The pseudonym: in the record, and its key.
    pub text: Vec<u8>,
    pub id_key: Vec<u8>,
    /// Headers that many links share.
    pub fixed: Arc<Headers>,
    /// Headers of this link alone.
    pub own: Headers,
}

/// One link's stamps, for epoch instants in this interval.
pub struct Link {
    pub epoch_from_ms: i64,
    pub epoch_to_ms: i64,
    pub stamps: Vec<Stamp>,
}

impl Link {
    pub fn stamp(&self, route: u32) -> Option<&Stamp> {
        let place = self.stamps.binary_search_by_key(&route, |stamp| stamp.route).ok()?;
        self.stamps.get(place)
    }
}

/// What is known of one device.
pub struct Device {
    pub registered_ms: i64,
    from_ms: i64,
    to_ms: i64,
    now_from_ms: i64,
    now_to_ms: i64,
    pub decision: u32,
    pub link: Option<Link>,
    used: u64,
}

impl Device {
    /// Whether the answer holds for events from first to last, judged now.
    pub fn covers(&self, first_ms: i64, last_ms: i64, now_ms: i64) -> bool {
        self.from_ms <= first_ms
            && last_ms < self.to_ms
            && (self.now_from_ms..self.now_to_ms).contains(&now_ms)
    }
}

/// Devices by their id.
pub struct Devices {
    known: FxHashMap<Vec<u8>, Device>,
    /// Grows with every `settle`: what was used since has this number.
    number: u64,
    used: bool,
    shared: Kept<Pairs, Arc<Headers>>,
}

impl Default for Devices {
    fn default() -> Self {
        let (known, shared) = (FxHashMap::default(), Kept::new(SHARED_MAX));
        Devices { known, number: 1, used: false, shared }
    }
}

impl Devices {
    /// What is known of a device; it counts as used from now on.
    pub fn get(&mut self, device: &[u8]) -> Option<&Device> {
        let found = self.known.get_mut(device)?;
        found.used = self.number;
        self.used = true;
        Some(found)
    }

    /// What was used until now is done, or will be done again.
    pub fn settle(&mut self) {
        self.number += 1;
        self.used = false;
    }

    /// Keep an answer; false if it cannot be one.
    pub fn teach(&mut self, device: &[u8], taught: DeviceTaught) -> bool {
        let mut link = None;
        if let Some(said) = taught.link {
            let mut stamps = Vec::with_capacity(said.stamps.len());
            for stamp in said.stamps {
                if stamp.id_key.is_empty() || stamp.id_key.len() > KEY_BYTES_MAX {
                    return false;
                }
                stamps.push(self.stamp(stamp));
            }
            stamps.sort_by_key(|stamp| stamp.route);
            let (epoch_from_ms, epoch_to_ms) = (said.epoch_from_ms, said.epoch_to_ms);
            link = Some(Link { epoch_from_ms, epoch_to_ms, stamps });
        }
        let known = Device {
            registered_ms: taught.registered_ms,
            from_ms: taught.from_ms,
            to_ms: taught.to_ms,
            now_from_ms: taught.now_from_ms,
            now_to_ms: taught.now_to_ms,
            decision: taught.decision,
            link,
            used: 0,
        };
        self.known.insert(device.to_vec(), known);
        true
    }

    fn stamp(&mut self, said: StampTaught) -> Stamp {
        let headers = |pairs: Vec<(String, serde_bytes::ByteBuf)>| -> Pairs {
            pairs.into_iter().map(|(name, text)| (name, text.into_vec())).collect()
        };
        let shared = headers(said.fixed);
        let fixed = if let Some(known) = self.shared.get_mut(&shared) {
            Arc::clone(known)
        } else {
            let made = Arc::new(Headers::of(shared.clone()));
            self.shared.put(shared, Arc::clone(&made));
            made
        };
        Stamp {
            route: said.route,
            partition: said.partition,
            text: said.text.into_bytes(),
            id_key: said.id_key.into_vec(),
            fixed,
            own: Headers::of(headers(said.own)),
        }
    }

    /// Whether it was used since `settle`.
    pub fn forget(&mut self, device: &[u8]) -> bool {
        self.known.remove(device).is_some_and(|known| known.used == self.number)
    }

    /// Whether any was used since `settle`.
    pub fn forget_all(&mut self) -> bool {
        self.known.clear();
        self.used
    }
}

/// At most so many values: those not asked for lately are forgotten by halves.
pub struct Kept<K, V> {
    half: usize,
    newer: FxHashMap<K, V>,
    older: FxHashMap<K, V>,
}

impl<K: Eq + Hash, V> Kept<K, V> {
    pub fn new(kept_max: usize) -> Self {
        let half = (kept_max / 2).max(1);
        Kept { half, newer: FxHashMap::default(), older: FxHashMap::default() }
    }

    /// The value of a key, which is among the newer ones from now on.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.newer.contains_key(key) {
            let (key, value) = self.older.remove_entry(key)?;
            self.put(key, value);
        }
        self.newer.get_mut(key)
    }

    pub fn put(&mut self, key: K, value: V) {
        if self.newer.len() >= self.half && !self.newer.contains_key(&key) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.older.remove(&key);
        self.newer.insert(key, value);
    }
}
