//! What a server counts of its calls, and the page that tells it, with the state of everything else, in Prometheus'
//! text format.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | calls, counted by method, code and reason |
//! | `tables.rs` | answers, counted by table |
//! | `recall.rs` | answers of indexes that are looked at again |
//! | `page.rs` | the page |
//! | `listen.rs` | where it is asked for |
//!
//! No label has a text that a caller made up: methods are those of the contract, reasons those of its errors, tables
//! those that answered, as many as the operator allows, and whatever else comes is `other`. So the number of series
//! is bounded, whoever calls.

mod listen;
mod page;
mod recall;
mod tables;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

pub(super) use listen::{Listening, start};
pub(super) use page::Sources;

use crate::engine::{Engine, TableState};
use crate::error::Result;
use crate::query::nearest::{NearestAnswer, NearestQuery};
use crate::server::access::paths;
use crate::server::metrics::recall::Sampler;
use crate::server::metrics::tables::Tables;
use crate::server::plan::{KINDS, Plan};
use crate::server::pool::Pool;
use crate::server::status::End;
use crate::table::meta::TableName;

/// What is not known by name.
const OTHER: &str = "other";

/// Ends of the parts into which times are put, in microseconds; what is longer is in one more.
const ENDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000, 60_000_000,
];

/// What is counted. Each number is only read to be told, so no order is needed.
#[derive(Debug)]
pub(super) struct Metrics {
    /// The last one stands for all that is unknown.
    methods: Vec<Counted>,
    places: HashMap<&'static str, usize>,
    /// Calls by what found their answers, in the order of `KINDS`.
    plans: [Times; KINDS.len()],
    /// Calls that did not end well, by the place of their method, their code and reason.
    errors: Mutex<BTreeMap<(usize, &'static str, &'static str), u64>>,
    in_flight: AtomicUsize,
    tables: Arc<Tables>,
    /// None if no answer is looked at again.
    sampler: Option<Sampler>,
}

/// The calls of one method.
#[derive(Debug)]
struct Counted {
    path: &'static str,
    times: Times,
}

/// How long calls took.
#[derive(Debug, Default)]
struct Times {
    /// How many, by the part that their time is in.
    parts: [AtomicU64; ENDS.len() + 1],
    micros: AtomicU64,
}

impl Times {
    fn add(&self, micros: u64) {
        let part = ENDS.partition_point(|&end| end < micros);
        self.parts[part].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many, by part.
    fn counts(&self) -> Vec<u64> {
        self.parts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// All of them together.
    fn seconds(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 / 1e6
    }
}

/// What became of the calls of one method.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) path: &'static str,
    /// By the parts that their times are in; one more for those that took longer.
    pub(super) counts: Vec<u64>,
    /// Of all of them.
    pub(super) seconds: f64,
    pub(super) errors: u64,
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// Ends of the parts into which times are put.
pub(super) fn part_seconds() -> impl Iterator<Item = f64> {
    ENDS.iter().map(|&end| end as f64 / 1e6)
}

impl Metrics {
    /// With so many tables that have series of their own.
    pub(super) fn new(tables_max: usize) -> Self {
        let mut all: Vec<&'static str> = paths().collect();
        all.sort_unstable();
        all.push(OTHER);
        let places = all.iter().enumerate().map(|(place, &path)| (path, place)).collect();
        let counted = |path| Counted { path, times: Times::default() };
        Self {
            methods: all.into_iter().map(counted).collect(),
            places,
            plans: Default::default(),
            errors: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            tables: Arc::new(Tables::new(tables_max)),
            sampler: None,
        }
    }

    /// Has one in so many answers of indexes looked at again; 0: none.
    pub(super) fn sampling(mut self, one_in: u32, pool: &Arc<Pool>) -> Result<Self> {
        if one_in > 0 {
            self.sampler =
                Some(Sampler::start(one_in, Arc::clone(&self.tables), Arc::clone(pool))?);
        }
        Ok(self)
    }

    /// Nothing is looked at any more when this returns. Blocks.
    pub(super) fn close(&self) {
        if let Some(sampler) = &self.sampler {
            sampler.close();
        }
    }

    /// A question was answered, which may be looked at again.
    pub(super) fn sample(
        &self,
        engine: &Engine,
        query: &NearestQuery,
        of: &TableState,
        answer: &NearestAnswer,
    ) {
        if let Some(sampler) = &self.sampler {
            sampler.offer(engine, query, of, answer);
        }
    }

    /// Tables gave an answer, by what found it, so long after it was asked.
    pub(super) fn answered(&self, tables: &[(TableName, Plan)], took: Duration) {
        for (table, plan) in tables {
            self.tables.answered(table, *plan, micros(took));
        }
    }

    /// A call of the method at this path begins; the method's place.
    pub(super) fn begin(&self, path: &str) -> usize {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.places.get(path).copied().unwrap_or(self.methods.len() - 1)
    }

    /// The path of a method by its place.
    pub(super) fn path(&self, place: usize) -> &'static str {
        self.methods.get(place).map_or(OTHER, |method| method.path)
    }

    /// Calls that are open.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What became of the calls of each method that was called.
    pub(super) fn ended(&self) -> Vec<Ended> {
        let mut errors: HashMap<usize, u64> = HashMap::new();
        for ((place, _, _), count) in &*self.errors.lock() {
            *errors.entry(*place).or_default() += count;
        }
        let ended = self.methods.iter().enumerate().map(|(place, method)| Ended {
            path: method.path,
            counts: method.times.counts(),
            seconds: method.times.seconds(),
            errors: errors.get(&place).copied().unwrap_or(0),
        });
        ended.filter(|ended| ended.counts.iter().any(|&count| count > 0)).collect()
    }

    /// It ended, so long after; what came of it, and what found its answers.
    pub(super) fn end(&self, place: usize, took: Duration, (code, reason): End, plan: Plan) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let Some(method) = self.methods.get(place) else { return };
        let micros = micros(took);
        method.times.add(micros);
        for place in plan.places() {
            self.plans[place].add(micros);
        }
        if code != "OK" {
            *self.errors.lock().entry((place, code, reason)).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_names_that_are_known() {
        let metrics = Metrics::new(0);
        let nearest = metrics.begin("/wordspace.v1.SearchService/Nearest");
        metrics.end(nearest, Duration::from_micros(100), ("OK", ""), Plan::default());
        let again = metrics.begin("/wordspace.v1.SearchService/Nearest");
        assert_eq!(nearest, again);
        let unknown = ("NOT_FOUND", "UNKNOWN_WORDS");
        metrics.end(again, Duration::from_micros(101), unknown, Plan::default());
        for path in ["/no/such\"method", "", "/wordspace.v1.SearchService/Nearest/x"] {
            let place = metrics.begin(path);
            let unsupported = ("UNIMPLEMENTED", "UNSUPPORTED");
            metrics.end(place, Duration::from_secs(100), unsupported, Plan::default());
        }
        let count = |place: usize, part: usize| {
            metrics.methods[place].times.parts[part].load(Ordering::Relaxed)
        };
        assert_eq!((count(nearest, 0), count(nearest, 1)), (1, 1));
        assert_eq!(count(metrics.methods.len() - 1, ENDS.len()), 3);
        assert_eq!(metrics.errors.lock().len(), 2);
        assert_eq!(metrics.in_flight.load(Ordering::Relaxed), 0);
    }
}
