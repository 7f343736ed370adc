//! What a plan says of signals and columns, as the processors write it: one versioned value.
//!
//! Nothing here decides anything: what may leave is looked up.

use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::steps::Step;

/// The version of the tables that this crate reads; another is refused.
pub const TABLES_VERSION: u32 = 2;

#[derive(Deserialize)]
pub struct Tables {
    pub version: u32,
    /// Collected signals that travel as columns, in the tally's order.
    pub signals: Vec<Signal>,
    /// Known paths that no output keeps: counted.
    pub not_collected: Vec<String>,
    /// Places of latitude and longitude among the signals, where both are collected.
    pub position: Option<(u16, u16)>,
    /// The place of trouble codes in a tally row, if some output keeps them.
    pub trouble_codes: Option<u32>,
    /// The sources that envelopes may name, without quotation marks.
    pub sources: Vec<String>,
    /// Whether an envelope may name none.
    pub without_source: bool,
    pub tally_width: u32,
    /// The topic of each route.
    pub topics: Vec<String>,
    pub minutes_kept_max: u32,
    pub column_plans_kept_max: u32,
    pub ids_kept_max: u32,
}

impl Tables {
    /// Whether an envelope that names this source, or none, is within the policy's scope.
    pub fn takes(&self, source: Option<&[u8]>) -> bool {
        match source {
            Some(source) => self.sources.iter().any(|listed| listed.as_bytes() == source),
            None => self.without_source,
        }
    }
}

#[derive(Deserialize)]
pub struct Signal {
    pub path: String,
    pub unit: String,
    pub kind: Kind,
}

/// Of what type a signal's values are, and which of them are some.
#[derive(Deserialize)]
pub enum Kind {
    Whole {
        low: i64,
        high: i64,
    },
    Float {
        low: f64,
        high: f64,
    },
    Boolean,
    /// The allowed words, without quotation marks.
    Word(Vec<String>),
}

/// The work for one set of present columns under one decision, as `column_plan.py` lays it out.
#[derive(Deserialize)]
pub struct ColumnPlan {
    pub rules: Vec<RuleStep>,
    pub thin: Vec<ThinStep>,
    pub value: Vec<ValueStep>,
    pub mesh: Vec<MeshStep>,
    pub unions: Vec<UnionStep>,
    pub routes: Vec<RouteStep>,
    /// The registers of latitude and longitude, as far as they are present.
    pub latitude: Option<u32>,
    pub longitude: Option<u32>,
}

/// A rule over time of the columns that are present, whoever may receive them.
#[derive(Deserialize)]
pub struct RuleStep {
    /// Its number in the state.
    pub rule: u32,
    pub by: Thin,
    pub on: RuleOn,
}

#[derive(Deserialize, Clone, Copy)]
pub enum RuleOn {
    Column(u32),
    Pairs,
}

#[derive(Deserialize, Clone, Copy)]
pub enum Thin {
    /// Every so many-th reading, in the order of time.
    Count(u32),
    /// The first reading of each bin of so many milliseconds.
    Time(i64),
}

#[derive(Deserialize)]
pub struct ThinStep {
    pub source: u32,
    /// Which of `rules` has chosen.
    pub chosen: u32,
    pub thinned_slots: Vec<u32>,
    pub not_rebuilt_slots: Vec<u32>,
}

#[derive(Deserialize)]
pub struct ValueStep {
    pub source: u32,
    pub steps: Vec<Step>,
}

#[derive(Deserialize)]
pub struct MeshStep {
    /// Which of `rules` has chosen among the pairs; none: all stay.
    pub chosen: Option<u32>,
    pub thinned_slots: Vec<u32>,
    pub not_rebuilt_slots: Vec<u32>,
    /// The edge of a JIS cell; none: H3 only.
    pub jis_m: Option<u32>,
    /// The resolution of the H3 cell outside the JIS grid; none: a position there is lost.
    pub h3_resolution: Option<u8>,
    pub unpaired_slots: (u32, u32),
    pub off_grid_slots: (u32, u32),
}

#[derive(Deserialize)]
pub struct UnionStep {
    /// What may have been kept, but for what was not rebuilt, goes to the slot behind.
    pub slot: u32,
    pub source: u32,
    pub kept: Vec<u32>,
}

#[derive(Deserialize)]
pub struct RouteStep {
    pub route: u32,
    pub floor_ms: i64,
    pub columns: Vec<RouteColumn>,
    pub trouble_codes: bool,
}

#[derive(Deserialize)]
pub struct RouteColumn {
    /// The column's JSON up to its times.
    pub head: ByteBuf,
    pub register: u32,
    /// A mesh: a cell stands for a latitude and a longitude.
    pub mesh: bool,
}

/// What was decided for one device: valid for events, nows and epoch instants in these intervals.
#[derive(Deserialize)]
pub struct DeviceTaught {
    pub registered_ms: i64,
    pub from_ms: i64,
    pub to_ms: i64,
    pub now_from_ms: i64,
    pub now_to_ms: i64,
    /// The decision if no route is late.
    pub decision: u32,
    /// None: no one is linked.
    pub link: Option<LinkTaught>,
}

#[derive(Deserialize)]
pub struct LinkTaught {
    pub epoch_from_ms: i64,
    pub epoch_to_ms: i64,
    pub stamps: Vec<StampTaught>,
}

#[derive(Deserialize)]
pub struct StampTaught {
    pub route: u32,
    pub partition: u32,
    pub text: String,
    pub id_key: ByteBuf,
    /// Headers that many links share, in their order, and behind them those of this link.
    pub fixed: Vec<(String, ByteBuf)>,
    pub own: Vec<(String, ByteBuf)>,
}

/// When lives that start in one minute end, by route.
#[derive(Deserialize)]
pub struct MinuteTaught {
    pub expires_at: Vec<ByteBuf>,
    pub deadlines_ms: Vec<i64>,
    pub first_deadline_ms: i64,
}
