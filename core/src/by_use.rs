//! Values by device and rule, in the order in which they were last used.

use std::collections::HashMap;

/// Names a value as long as it is kept.
pub type Place = usize;

const NOWHERE: Place = usize::MAX;

struct Entry<T> {
    device: Box<[u8]>,
    rule: u32,
    before: Place,
    after: Place,
    value: T,
}

/// A map whose entries are also a list: the one used longest ago comes first.
pub struct ByUse<T> {
    /// Hashed under a key of this process: whoever chooses device ids must not choose buckets.
    places: HashMap<Box<[u8]>, Vec<(u32, Place)>>,
    entries: Vec<Option<Entry<T>>>,
    free: Vec<Place>,
    first: Place,
    last: Place,
}

impl<T> Default for ByUse<T> {
    fn default() -> Self {
        ByUse {
            places: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            first: NOWHERE,
            last: NOWHERE,
        }
    }
}

impl<T> ByUse<T> {
    /// Where this device's value of this rule is kept.
    #[must_use]
    pub fn find(&self, device: &[u8], rule: u32) -> Option<Place> {
        let of_device = self.places.get(device)?;
        of_device.iter().find(|(number, _)| *number == rule).map(|(_, place)| *place)
    }

    /// Keep a value that is not kept yet, as the one used last.
    pub fn add(&mut self, device: &[u8], rule: u32, value: T) -> Place {
        let device: Box<[u8]> = device.into();
        let entry = Entry { device: device.clone(), rule, before: NOWHERE, after: NOWHERE, value };
        let place = self.free.pop().unwrap_or(self.entries.len());
        if let Some(there) = self.entries.get_mut(place) {
            *there = Some(entry);
        } else {
            self.entries.push(Some(entry));
        }
        self.places.entry(device).or_default().push((rule, place));
        self.link_last(place);
        place
    }

    /// The value at a place.
    pub fn at(&mut self, place: Place) -> Option<&mut T> {
        self.entries.get_mut(place)?.as_mut().map(|entry| &mut entry.value)
    }

    /// Make the value at a place the one used last.
    pub fn use_now(&mut self, place: Place) {
        if self.last != place {
            self.unlink(place);
            self.link_last(place);
        }
    }

    /// The value used longest ago.
    #[must_use]
    pub fn oldest(&self) -> Option<(Place, &T)> {
        let entry = self.entries.get(self.first)?.as_ref()?;
        Some((self.first, &entry.value))
    }

    /// Drop the value at a place.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        self.unlink(place);
        let entry = self.entries.get_mut(place)?.take()?;
        self.free.push(place);
        if let Some(of_device) = self.places.get_mut(&entry.device) {
            of_device.retain(|(rule, _)| *rule != entry.rule);
            if of_device.is_empty() {
                self.places.remove(&entry.device);
            }
        }
        Some(entry.value)
    }

    /// Every value with its device and rule, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&[u8], u32, &T)> {
        self.entries.iter().flatten().map(|entry| (&*entry.device, entry.rule, &entry.value))
    }

    /// Every value with its rule, to be changed.
    pub fn all_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.entries.iter_mut().flatten().map(|entry| (entry.rule, &mut entry.value))
    }

    fn entry(&mut self, place: Place) -> Option<&mut Entry<T>> {
        self.entries.get_mut(place)?.as_mut()
    }

    fn link_last(&mut self, place: Place) {
        let last = std::mem::replace(&mut self.last, place);
        if let Some(entry) = self.entry(place) {
            (entry.before, entry.after) = (last, NOWHERE);
        }
        match self.entry(last) {
            Some(entry) => entry.after = place,
            None => self.first = place,
        }
    }

    fn unlink(&mut self, place: Place) {
        let Some(entry) = self.entry(place) else { return };
        let (before, after) = (entry.before, entry.after);
        match self.entry(before) {
            Some(entry) => entry.after = after,
            None => self.first = after,
        }
        match self.entry(after) {
            Some(entry) => entry.before = before,
            None => self.last = before,
        }
    }
}
