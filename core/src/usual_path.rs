//! The usual path: one envelope's bytes in, its purpose records out, or who has to be asked.
//!
//! It decides nothing. Who is linked, what is open and when lives end it was taught; whatever it
//! was not taught it asks for, and whatever is unusual is for the exact path.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::columns::SPAN_MS;
use crate::devices::{Device, Devices, Kept};
use crate::envelope::{Envelope, Sheet};
use crate::instants::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::paths::Paths;
use crate::purpose_record::{Record, Sink, Source, Writer, record_id};
use crate::registers::Work;
use crate::reused_ids::ReusedIds;
use crate::soundness::is_sound;
use crate::tables::{ColumnPlan, DeviceTaught, MinuteTaught, TABLES_VERSION, Tables};
use crate::thinning::Asked;
use crate::time_state::TimeState;
use crate::treatment::{H3, treat};

const AHEAD_MS_MAX: i64 = DAY_MS;
/// A trip that claims to have started longer ago does not choose the pseudonym's epoch.
const TRIP_MS_MAX: i64 = 48 * HOUR_MS;
const SIGNALS_MAX: usize = 4_096;
const LATE_KEPT_MAX: usize = 10_000;

/// Why an envelope was not done: what is missing, or that it is for the exact path.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: it is for the exact path.
    Exact,
    /// What holds for a device's events from t0 on, under the pseudonyms of an epoch's instant.
    Device {
        /// Its id.
        device: Vec<u8>,
        /// When events begin.
        t0_ms: i64,
        /// The instant that chooses the epoch.
        epoch_ms: i64,
    },
    /// When lives that start in this minute end.
    Minute(i64),
    /// The decision that follows from this one if these routes are late.
    Late {
        /// The decision if no route is late.
        decision: u32,
        /// The routes that are.
        late: Vec<u32>,
    },
    /// The work for these present columns under this decision.
    ColumnPlan {
        /// By its number.
        decision: u32,
        /// Places of the columns in a tally row.
        present: Vec<u16>,
    },
}

/// Column plans by decision and present columns (see `plan_key`); None: it is for the exact path.
type Plans = Kept<Vec<u16>, Option<Arc<ColumnPlan>>>;

/// Sums for the ledger, by decision: added to while a batch runs.
#[derive(Default)]
pub struct Counted {
    /// Rows of the tally.
    pub rows: FxHashMap<u32, Vec<u64>>,
    /// Readings that no output keeps.
    pub not_collected: u64,
    /// Envelopes that were done.
    pub envelopes: u64,
    /// Envelopes whose id came before with another content.
    pub reused_ids: u64,
}

/// What was taught, what is counted, and room to work in.
pub struct UsualPath {
    tables: Tables,
    paths: Paths,
    devices: Devices,
    minutes: Kept<i64, Arc<MinuteTaught>>,
    late: Kept<(u32, Vec<u32>), u32>,
    plans: Plans,
    ids: ReusedIds,
    /// To be taken, or thrown away, at the end of a slice.
    pub counted: Counted,
    sheet: Sheet,
    present: Vec<u16>,
    plan_key: Vec<u16>,
    work: Work,
    writer: Writer,
}

impl UsualPath {
    /// A path for these tables; None if it does not know their version, or they are none.
    #[must_use]
    pub fn new(written: &[u8]) -> Option<Self> {
        let mut tables: Tables = rmp_serde::from_slice(written).ok()?;
        if tables.version != TABLES_VERSION || tables.signals.len() > SIGNALS_MAX {
            return None;
        }
        let paths = Paths::of(&mut tables)?;
        Some(UsualPath {
            devices: Devices::default(),
            minutes: Kept::new(tables.minutes_kept_max as usize),
            ids: ReusedIds::new(tables.ids_kept_max as usize),
            late: Kept::new(LATE_KEPT_MAX),
            plans: Kept::new(tables.column_plans_kept_max as usize),
            paths,
            tables,
            counted: Counted::default(),
            sheet: Sheet::default(),
            present: Vec::new(),
            plan_key: Vec::new(),
            work: Work::default(),
            writer: Writer::default(),
        })
    }

    /// The topic of each route.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.tables.topics
    }

    /// The devices of which something is known.
    pub fn devices(&mut self) -> &mut Devices {
        &mut self.devices
    }

    /// What both paths remember of envelope ids.
    pub fn ids(&mut self) -> &mut ReusedIds {
        &mut self.ids
    }

    /// Keep what was decided for a device; false if these bytes say nothing.
    pub fn teach_device(&mut self, device: &[u8], written: &[u8]) -> bool {
        rmp_serde::from_slice::<DeviceTaught>(written)
            .is_ok_and(|said| self.devices.teach(device, said))
    }

    /// Keep when lives of one minute end; false if these bytes say nothing.
    pub fn teach_minute(&mut self, minute: i64, written: &[u8]) -> bool {
        let Ok(said) = rmp_serde::from_slice::<MinuteTaught>(written) else { return false };
        let routes = self.tables.topics.len();
        let whole = said.expires_at.len() == routes && said.deadlines_ms.len() == routes;
        if whole {
            self.minutes.put(minute, Arc::new(said));
        }
        whole
    }

    /// Keep which decision follows from another if these routes are late.
    pub fn teach_late(&mut self, decision: u32, late: Vec<u32>, becomes: u32) {
        self.late.put((decision, late), becomes);
    }

    /// Keep a column plan; one that cannot be carried out here is for the exact path, and false.
    pub fn teach_column_plan(&mut self, decision: u32, present: &[u16], written: &[u8]) -> bool {
        let (routes, width) = (self.tables.topics.len(), self.tables.tally_width as usize);
        let plan = rmp_serde::from_slice::<ColumnPlan>(written).ok();
        let plan = plan.filter(|plan| is_sound(plan, present.len(), routes, width)).map(Arc::new);
        let sound = plan.is_some();
        let mut key = Vec::with_capacity(present.len() + 2);
        write_plan_key(decision, present, &mut key);
        self.plans.put(key, plan);
        sound
    }

    /// Do one raw record. Nothing is counted, put or remembered before it is sure.
    ///
    /// # Errors
    /// What is missing for it, or that it is for the exact path.
    pub fn run(
        &mut self,
        value: &[u8],
        received_ms: i64,
        now_ms: i64,
        state: &mut TimeState,
        h3: &mut H3<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), Ask> {
        let envelope = self.sheet.read(value, &mut self.paths).map_err(|_| Ask::Exact)?;
        if !self.tables.takes(envelope.source.map(|span| span.of(value))) {
            return Err(Ask::Exact);
        }
        self.look_at_columns()?;
        let t0_ms = envelope.t0_ms;
        let name = envelope.device.of(value);
        let epoch_ms = epoch_instant(envelope.trip_started_ms, t0_ms);
        let ask = || Ask::Device { device: name.to_vec(), t0_ms, epoch_ms };
        let device = self.devices.get(name).ok_or_else(ask)?;
        check(device, t0_ms, received_ms, now_ms).unwrap_or_else(|| Err(ask()))?;
        let mut decision = device.decision;
        let mut minute = None;
        if let Some(link) = &device.link {
            if !(link.epoch_from_ms..link.epoch_to_ms).contains(&epoch_ms) {
                return Err(ask());
            }
            let number = t0_ms.min(received_ms).min(now_ms).div_euclid(MINUTE_MS);
            let ends = Arc::clone(self.minutes.get_mut(&number).ok_or(Ask::Minute(number))?);
            if now_ms > ends.first_deadline_ms {
                let ended = |route: u32| {
                    ends.deadlines_ms.get(route as usize).is_none_or(|&end| now_ms > end)
                };
                let late: Vec<u32> = link
                    .stamps
                    .iter()
                    .map(|stamp| stamp.route)
                    .filter(|&route| ended(route))
                    .collect();
                if !late.is_empty() {
                    let known = self.late.get_mut(&(decision, late.clone())).copied();
                    decision = known.ok_or(Ask::Late { decision, late })?;
                }
            }
            minute = Some(ends);
        }
        write_plan_key(decision, &self.present, &mut self.plan_key);
        let plan = self.plans.get_mut(self.plan_key.as_slice());
        let missing = || Ask::ColumnPlan { decision, present: self.present.clone() };
        let plan = Arc::clone(plan.ok_or_else(missing)?.as_ref().ok_or(Ask::Exact)?);
        let stamped = |device: &Device| {
            let has = |route| device.link.as_ref().is_some_and(|link| link.stamp(route).is_some());
            plan.routes.iter().all(|step| has(step.route))
        };
        // Without a link nothing leaves, whatever a plan says.
        if device.link.is_some() && !stamped(device) {
            return Err(Ask::Exact);
        }
        self.work.begin(&self.sheet.columns, &self.paths).map_err(|_| Ask::Exact)?;
        let (columns, work) = (&mut self.sheet.columns, &mut self.work);
        let asked = Asked { device: name, t0_ms, append_ms: received_ms };
        treat(&plan, asked, columns, work, state, h3).map_err(|_| Ask::Exact)?;
        self.count(&envelope, decision, value);
        if let Some(minute) = minute {
            self.put_records(&envelope, value, &plan, &minute, sink);
        }
        Ok(())
    }

    /// Which columns are present; an envelope of which none is, or that may lack a fix, is unusual.
    fn look_at_columns(&mut self) -> Result<(), Ask> {
        let sheet = &self.sheet;
        let collected = || {
            sheet.columns.all.iter().filter_map(|column| column.place.map(|place| (place, column)))
        };
        self.present.clear();
        self.present.extend(collected().map(|(place, _)| place));
        let codes = !sheet.codes.is_empty();
        if (codes && self.tables.trouble_codes.is_none()) || (self.present.is_empty() && !codes) {
            return Err(Ask::Exact);
        }
        if let Some((latitude, longitude)) = self.tables.position {
            let has_zero = |wanted: u16| {
                let mut mine = collected().filter(|(place, _)| *place == wanted);
                mine.any(|(_, column)| {
                    column.values.of(&sheet.columns.values).iter().any(|one| one.mantissa == 0)
                })
            };
            if has_zero(latitude) && has_zero(longitude) {
                return Err(Ask::Exact);
            }
        }
        Ok(())
    }

    /// Add what this envelope held and what of it is lost.
    fn count(&mut self, envelope: &Envelope, decision: u32, value: &[u8]) {
        let counted = &mut self.counted;
        let width = self.tables.tally_width as usize;
        let row = counted.rows.entry(decision).or_insert_with(|| vec![0; width]);
        let mut add = |place: usize, readings: u64| {
            if let Some(sum) = row.get_mut(place) {
                *sum += readings;
            }
        };
        for column in &self.sheet.columns.all {
            if let Some(place) = column.place {
                add(usize::from(place), column.times.len() as u64);
            }
        }
        if let Some(place) = self.tables.trouble_codes {
            add(place as usize, self.sheet.codes.len() as u64);
        }
        for &(slot, readings) in &self.work.losses {
            add(slot as usize, readings);
        }
        counted.envelopes += 1;
        counted.not_collected += self.sheet.columns.not_collected as u64;
        let (device, id) = (envelope.device.of(value), envelope.id.of(value));
        counted.reused_ids += u64::from(self.ids.reused(device, id, envelope.content));
    }

    fn put_records(
        &mut self,
        envelope: &Envelope,
        value: &[u8],
        plan: &ColumnPlan,
        minute: &MinuteTaught,
        sink: &mut impl Sink,
    ) {
        let Some(link) =
            self.devices.get(envelope.device.of(value)).and_then(|device| device.link.as_ref())
        else {
            return;
        };
        let times = |register: &crate::register::Register| {
            register.times.of(&self.sheet.columns.times).iter().max()
        };
        let highest = self.work.registers.iter().take(self.present.len()).filter_map(times).max();
        let source = Source {
            envelope: value,
            columns: &self.sheet.columns,
            codes: &self.sheet.codes,
            work: &self.work,
            paths: &self.paths,
            t0_ms: envelope.t0_ms,
            high_ms: highest.map_or(0, |&high| i64::from(high)),
        };
        self.writer.clear();
        for step in &plan.routes {
            let ends = minute.expires_at.get(step.route as usize);
            let (Some(stamp), Some(expires_at)) = (link.stamp(step.route), ends) else { continue };
            let readings = self.writer.write(step, stamp, &source);
            if readings > 0 {
                sink.put(&Record {
                    route: step.route,
                    partition: stamp.partition,
                    key: &stamp.text,
                    value: &self.writer.out,
                    id: &record_id(&stamp.id_key, &envelope.content),
                    fixed: &stamp.fixed,
                    own: &stamp.own,
                    expires_at,
                    readings,
                });
            }
        }
    }
}

/// What a plan is kept under: two numbers say the decision, the others which columns are present.
fn write_plan_key(decision: u32, present: &[u16], key: &mut Vec<u16>) {
    key.clear();
    let [a, b, c, d] = decision.to_be_bytes();
    key.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
    key.extend_from_slice(present);
}

/// Whether what is known of a device holds for the whole usual span; None: it has to be asked for.
fn check(device: &Device, t0_ms: i64, received_ms: i64, now_ms: i64) -> Option<Result<(), Ask>> {
    let last_ms = t0_ms.saturating_add(SPAN_MS);
    if !device.covers(t0_ms, last_ms, now_ms) {
        return None;
    }
    let ahead = last_ms > received_ms.saturating_add(AHEAD_MS_MAX);
    Some(if ahead || t0_ms < device.registered_ms { Err(Ask::Exact) } else { Ok(()) })
}

/// A trip keeps the epoch it started in; an impossible start does not count.
fn epoch_instant(trip_started_ms: Option<i64>, t0_ms: i64) -> i64 {
    trip_started_ms
        .filter(|started_ms| (0..=TRIP_MS_MAX).contains(&(t0_ms - started_ms)))
        .unwrap_or(t0_ms)
}
