//! The state of rules over time of one raw partition: `processors/state/bins.py`, in Rust.
//!
//! Both pass one contract and give the same answers; what must hold stands in `port.py` there.

use crate::by_use::{ByUse, Place};
use crate::room::Room;

/// A device's bins of one rule are looked through when they are more, and twice as many as left.
const TRIM_AT_LEAST: usize = 64;

/// Of a bin, whether the first reading in it may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No reading was in it within the rule's life.
    Passes = 0,
    /// One was.
    Used = 1,
    /// It may have been used in what is lost, or there is no room to remember it.
    NotRebuilt = 2,
}

/// The bins of one device and rule: by number, when last a reading was in it.
struct Bins {
    /// In the order of their numbers.
    last_ms: Vec<(i64, i64)>,
    used_ms: i64,
    trim_at: usize,
}

impl Bins {
    fn find(&self, number: i64) -> Result<usize, usize> {
        // Time mostly goes on: the newest bins stand at the end.
        match self.last_ms.last() {
            None => Err(0),
            Some(&(last, _)) if last < number => Err(self.last_ms.len()),
            _ => self.last_ms.binary_search_by_key(&number, |&(bin, _)| bin),
        }
    }

    fn get(&self, number: i64) -> Option<i64> {
        let place = self.find(number).ok()?;
        self.last_ms.get(place).map(|&(_, last_ms)| last_ms)
    }

    fn set(&mut self, number: i64, at_ms: i64) {
        match self.find(number) {
            Ok(place) => {
                if let Some(there) = self.last_ms.get_mut(place) {
                    there.1 = at_ms;
                }
            }
            Err(place) => self.last_ms.insert(place, (number, at_ms)),
        }
    }

    fn remove(&mut self, number: i64) {
        if let Ok(place) = self.find(number) {
            self.last_ms.remove(place);
        }
    }

    /// How many were dead.
    fn trim(&mut self, alive_ms: i64) -> i64 {
        let before = self.last_ms.len();
        self.last_ms.retain(|&(_, last_ms)| last_ms >= alive_ms);
        self.trim_at = TRIM_AT_LEAST.max(2 * self.last_ms.len());
        signed(before - self.last_ms.len())
    }
}

/// A moment to which a state can go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Changed bins since the state was adopted.
    pub bins: usize,
    /// Changed counters.
    pub counters: usize,
    /// When it was.
    pub at_ms: i64,
    /// How many were not remembered for want of room since the state was adopted.
    pub refused: i64,
}

/// What readings there were, in one raw partition.
pub struct TimeState {
    lives_ms: Vec<i64>,
    longest_ms: i64,
    window_ms: i64,
    room: Room,
    bins: ByUse<Bins>,
    /// (window, readings in it).
    counters: ByUse<(i64, i64)>,
    at_ms: i64,
    adopted_ms: i64,
    looked_through_ms: i64,
    lost_until_ms: Option<i64>,
    /// Of the draft.
    refused: i64,
    bin_journal: Vec<(Place, i64, Option<i64>)>,
    counter_journal: Vec<(Place, Option<(i64, i64)>)>,
}

impl TimeState {
    /// An empty state. `lives_ms`: by rule, how long a bin lives behind its last reading.
    #[must_use]
    pub fn new(lives_ms: Vec<i64>, window_ms: i64, room: Room) -> Self {
        TimeState {
            longest_ms: lives_ms.iter().copied().max().unwrap_or_default(),
            lives_ms,
            window_ms: window_ms.max(1),
            room,
            bins: ByUse::default(),
            counters: ByUse::default(),
            at_ms: 0,
            adopted_ms: 0,
            looked_through_ms: 0,
            lost_until_ms: None,
            refused: 0,
            bin_journal: Vec::new(),
            counter_journal: Vec::new(),
        }
    }

    /// Ask for bins of one record, and use them: `answer` is told each answer, in their order.
    pub fn first_in_bin(
        &mut self,
        device: &[u8],
        rule: u32,
        bins: impl IntoIterator<Item = i64>,
        append_ms: i64,
        mut answer: impl FnMut(Answer),
    ) {
        self.at_ms = self.at_ms.max(append_ms);
        let at_ms = self.at_ms;
        let alive_ms = at_ms - self.life_ms(rule);
        let lost = self.lost_until_ms.is_some_and(|until_ms| alive_ms <= until_ms);
        let place = self.bins_of(device, rule);
        for number in bins {
            let last_ms = self.bins.at(place).and_then(|held| held.get(number));
            if last_ms.is_some_and(|last_ms| last_ms >= alive_ms) {
                answer(Answer::Used);
            } else if lost || (last_ms.is_none() && !self.has_room()) {
                answer(Answer::NotRebuilt);
            } else {
                answer(Answer::Passes);
            }
            if last_ms.is_none() {
                if self.room.is_full() {
                    self.refused += 1;
                    continue;
                }
                self.room.hold(1);
            }
            self.bin_journal.push((place, number, last_ms));
            if let Some(held) = self.bins.at(place) {
                held.set(number, at_ms);
            }
        }
        // Nothing was remembered for want of room, and devices that nobody knows ask, too.
        if self.bins.at(place).is_some_and(|held| held.last_ms.is_empty()) {
            self.bins.remove(place);
        }
    }

    /// How many readings came before these in this window; counts these. None: that is not known.
    pub fn counted(
        &mut self,
        device: &[u8],
        rule: u32,
        readings: i64,
        append_ms: i64,
    ) -> Option<i64> {
        self.at_ms = self.at_ms.max(append_ms);
        let window = self.at_ms.div_euclid(self.window_ms);
        let known = self.counters.find(device, rule);
        let found = known.and_then(|place| self.counters.at(place).map(|counter| *counter));
        if found.is_none() {
            if !self.has_room() {
                self.refused += 1;
                return None;
            }
            self.room.hold(1);
        }
        let before = found.filter(|&(then, _)| then == window).map_or(0, |(_, count)| count);
        let counter = (window, before.saturating_add(readings));
        let place = match known {
            Some(place) => {
                if let Some(there) = self.counters.at(place) {
                    *there = counter;
                }
                self.counters.use_now(place);
                place
            }
            None => self.counters.add(device, rule, counter),
        };
        self.counter_journal.push((place, found));
        let begun_ms = window.saturating_mul(self.window_ms);
        let lost = self.lost_until_ms.is_some_and(|until_ms| begun_ms <= until_ms);
        if lost { None } else { Some(before) }
    }

    /// A record was appended then, whether or not it asks anything.
    pub fn arrive(&mut self, append_ms: i64) {
        self.at_ms = self.at_ms.max(append_ms);
    }

    /// The moment of now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (bins, counters) = (self.bin_journal.len(), self.counter_journal.len());
        Mark { bins, counters, at_ms: self.at_ms, refused: self.refused }
    }

    /// Undo what changed since `mark`.
    pub fn roll_back(&mut self, mark: Mark) {
        while self.bin_journal.len() > mark.bins {
            let Some((place, number, last_ms)) = self.bin_journal.pop() else { break };
            let Some(held) = self.bins.at(place) else { continue };
            if let Some(last_ms) = last_ms {
                held.set(number, last_ms);
            } else {
                held.remove(number);
                self.room.hold(-1);
            }
        }
        while self.counter_journal.len() > mark.counters {
            let Some((place, found)) = self.counter_journal.pop() else { break };
            if let Some(found) = found {
                if let Some(there) = self.counters.at(place) {
                    *there = found;
                }
            } else {
                self.counters.remove(place);
                self.room.hold(-1);
            }
        }
        (self.at_ms, self.refused) = (mark.at_ms, mark.refused);
    }

    /// Let what changed stand, and drop what no later record can find.
    pub fn adopt(&mut self) {
        self.bin_journal.clear();
        self.counter_journal.clear();
        self.room.refuse(std::mem::take(&mut self.refused));
        self.adopted_ms = self.at_ms;
        let dead_ms = self.adopted_ms - self.longest_ms;
        while let Some((place, held)) = self.bins.oldest() {
            if held.used_ms >= dead_ms && !held.last_ms.is_empty() {
                break;
            }
            let gone = self.bins.remove(place).map_or(0, |held| held.last_ms.len());
            self.room.hold(-signed(gone));
        }
        let window = self.adopted_ms.div_euclid(self.window_ms);
        while let Some((place, &(then, _))) = self.counters.oldest() {
            if then >= window {
                break;
            }
            self.counters.remove(place);
            self.room.hold(-1);
        }
    }

    /// Undo what changed since the last `adopt`.
    pub fn discard(&mut self) {
        self.roll_back(Mark { bins: 0, counters: 0, at_ms: self.adopted_ms, refused: 0 });
    }

    /// Records appended up to this time were lost, or may have been.
    pub fn lose(&mut self, until_ms: i64) {
        self.lost_until_ms = Some(self.lost_until_ms.unwrap_or_default().max(until_ms));
    }

    /// Go on from this append time at the earliest, and let it stand.
    pub fn reach(&mut self, append_ms: i64) {
        self.at_ms = self.at_ms.max(append_ms);
        self.adopt();
    }

    /// Give up the room that is taken.
    pub fn close(&mut self) {
        self.discard();
        let bins: usize = self.bins.all().map(|(_, _, held)| held.last_ms.len()).sum();
        let counters = self.counters.all().count();
        self.room.hold(-signed(bins + counters));
        self.bins = ByUse::default();
        self.counters = ByUse::default();
    }

    /// The last append time of every bin that is still alive: device, rule, bin, time.
    pub fn living(&self) -> impl Iterator<Item = (&[u8], u32, i64, i64)> {
        self.bins.all().flat_map(|(device, rule, held)| {
            let alive_ms = self.at_ms - self.life_ms(rule);
            let living = held.last_ms.iter().filter(move |&&(_, last_ms)| last_ms >= alive_ms);
            living.map(move |&(number, last_ms)| (device, rule, number, last_ms))
        })
    }

    fn life_ms(&self, rule: u32) -> i64 {
        self.lives_ms.get(rule as usize).copied().unwrap_or(self.longest_ms)
    }

    fn bins_of(&mut self, device: &[u8], rule: u32) -> Place {
        let at_ms = self.at_ms;
        let Some(place) = self.bins.find(device, rule) else {
            let held = Bins { last_ms: Vec::new(), used_ms: at_ms, trim_at: TRIM_AT_LEAST };
            return self.bins.add(device, rule, held);
        };
        let alive_ms = self.adopted_ms - self.life_ms(rule);
        let mut gone = 0;
        if let Some(held) = self.bins.at(place) {
            if held.last_ms.len() >= held.trim_at {
                gone = held.trim(alive_ms);
            }
            held.used_ms = at_ms;
        }
        self.room.hold(-gone);
        self.bins.use_now(place);
        place
    }

    /// Whether one more can be remembered, once all that is dead is dropped.
    fn has_room(&mut self) -> bool {
        if self.room.is_full() && self.looked_through_ms < self.adopted_ms {
            self.looked_through_ms = self.adopted_ms.saturating_add(self.longest_ms / 8);
            let mut gone = 0;
            for (rule, held) in self.bins.all_mut() {
                let life_ms = self.lives_ms.get(rule as usize).copied().unwrap_or(self.longest_ms);
                gone += held.trim(self.adopted_ms - life_ms);
            }
            self.room.hold(-gone);
        }
        !self.room.is_full()
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_for_which_there_is_no_room_are_not_kept() {
        let mut state = TimeState::new(vec![1_000], 1, Room::new(2));
        state.first_in_bin(b"known", 0, [1, 2], 0, |_| ());
        for number in 0..100_u32 {
            state.first_in_bin(&number.to_be_bytes(), 0, [1], 0, |answer| {
                assert!(matches!(answer, Answer::NotRebuilt));
            });
        }
        assert_eq!(state.bins.all().count(), 1);
        state.roll_back(Mark { bins: 0, counters: 0, at_ms: 0, refused: 0 });
        assert_eq!(state.room.held(), 0);
    }
}
