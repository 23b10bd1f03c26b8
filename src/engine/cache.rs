//! `Cache`: which of the tables that are followed are here, where not all of them are to be.
//!
//! A table comes when it is asked, and those that were asked the longest ago leave where it has no room. Nobody
//! who asks for table after table has the server copy all the time: one that came stays at least as long as that took.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::limits;
use crate::table::meta::TableName;

/// How long a table stays once it came, at least and at most, where others are to come: as long as it took to come.
const STAY: Duration = Duration::from_millis(100);
const STAY_MAX: Duration = Duration::from_mins(1);
/// How long one stays that nobody has asked yet: whoever waited for it may wait for a thread now.
const STAY_UNASKED: Duration = limits::LEAST_WAIT;
/// How long a table is wanted that nobody asks for again.
const WANTED: Duration = Duration::from_secs(5);
/// Whoever waits for a table asks for it at least as often; one that is asked less often comes after the others.
const WAITING: Duration = Duration::from_secs(1);

/// Of the tables of an engine.
#[derive(Debug)]
pub(super) struct Cache {
    max: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    here: BTreeMap<TableName, Here>,
    wanted: BTreeMap<TableName, Wanted>,
    /// Tables that could not be brought, and when that is tried again.
    refused: BTreeMap<TableName, Instant>,
}

#[derive(Debug)]
struct Here {
    bytes: u64,
    came: Instant,
    /// How long it stays after that.
    stays: Duration,
    asked: Instant,
    /// Whether it was asked since it came.
    is_asked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    since: Instant,
    asked: Instant,
}

impl Cache {
    /// One for so many bytes of files.
    pub(super) fn new(max: u64) -> Self {
        Self { max, known: Mutex::default() }
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// Bytes of the tables that are here.
    pub(super) fn used(&self) -> u64 {
        self.known.lock().used()
    }

    /// Bytes of one that is here.
    pub(super) fn bytes(&self, table: &TableName) -> u64 {
        self.known.lock().here.get(table).map_or(0, |here| here.bytes)
    }

    /// A table that is here was asked.
    pub(super) fn asked(&self, table: &TableName, now: Instant) {
        if let Some(here) = self.known.lock().here.get_mut(table) {
            (here.asked, here.is_asked) = (now, true);
        }
    }

    /// One that is not here was asked; whether nobody had asked for it.
    pub(super) fn want(&self, table: &TableName, now: Instant) -> bool {
        let mut known = self.known.lock();
        let is_new = !known.wanted.contains_key(table);
        known.wanted.entry(table.clone()).or_insert(Wanted { since: now, asked: now }).asked = now;
        is_new
    }

    /// Tables that are wanted: first those that somebody waits for, the one that waits the longest before the others.
    pub(super) fn wanted(&self, now: Instant) -> Vec<TableName> {
        let mut known = self.known.lock();
        let since = |then: Instant| now.saturating_duration_since(then);
        known.wanted.retain(|_, wanted| since(wanted.asked) < WANTED);
        let mut wanted: Vec<_> = known.wanted.iter().collect();
        wanted.sort_by_key(|(_, one)| (!one.is_waited_for(now), one.since));
        wanted.into_iter().map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn is_wanted(&self, table: &TableName) -> bool {
        self.known.lock().wanted.contains_key(table)
    }

    /// The tables that leave so that so many more bytes of a table have room, all of which were asked before it;
    /// none if that is not to be at this moment. Whoever waits for a table asks it now.
    pub(super) fn room(
        &self,
        table: &TableName,
        more: u64,
        now: Instant,
    ) -> Option<Vec<TableName>> {
        let known = self.known.lock();
        let asked = known.asked(table, now)?;
        known.leaving(self.max.checked_sub(more)?, |name, here| {
            name != table && here.asked < asked && here.may_leave(now)
        })
    }

    /// The tables that leave since all together have too many bytes.
    pub(super) fn surplus(&self) -> Vec<TableName> {
        self.known.lock().leaving(self.max, |_, _| true).unwrap_or_default()
    }

    /// A table is here, or has another size. `took`: since it began to come.
    pub(super) fn came(&self, table: &TableName, bytes: u64, took: Duration, now: Instant) {
        let mut known = self.known.lock();
        let asked = known.wanted.remove(table).map_or(now, |wanted| wanted.asked);
        let stays = took.clamp(STAY, STAY_MAX);
        let here = Here { bytes, came: now, stays, asked, is_asked: false };
        known.here.entry(table.clone()).or_insert(here).bytes = bytes;
    }

    /// It is here no more.
    pub(super) fn left(&self, table: &TableName) {
        self.known.lock().here.remove(table);
    }

    /// It could not be brought, which is not tried again before then.
    pub(super) fn refuse(&self, table: &TableName, again: Instant) {
        let mut known = self.known.lock();
        known.wanted.remove(table);
        known.refused.insert(table.clone(), again);
    }

    /// Tables that may be tried again from now on.
    pub(super) fn forgiven(&self, now: Instant) -> Vec<TableName> {
        let refused = &mut self.known.lock().refused;
        refused.extract_if(.., |_, again| *again <= now).map(|(name, _)| name).collect()
    }

    /// It has another name.
    pub(super) fn renamed(&self, old: &TableName, new: &TableName) {
        let mut known = self.known.lock();
        if let Some(here) = known.here.remove(old) {
            known.here.insert(new.clone(), here);
        }
    }
}

impl Known {
    fn used(&self) -> u64 {
        self.here.values().map(|here| here.bytes).sum()
    }

    /// When somebody last asked a table, or for it.
    fn asked(&self, table: &TableName, now: Instant) -> Option<Instant> {
        let here = self.here.get(table).map(|here| here.asked);
        let wanted = self.wanted.get(table);
        here.or_else(|| wanted.map(|one| if one.is_waited_for(now) { now } else { one.asked }))
    }

    /// Those that leave until the others have so many bytes, the least recently asked first; none if those that
    /// may are too few.
    fn leaving(
        &self,
        rest: u64,
        may: impl Fn(&TableName, &Here) -> bool,
    ) -> Option<Vec<TableName>> {
        let mut used = self.used();
        let mut here: Vec<_> = self.here.iter().filter(|(name, here)| may(name, here)).collect();
        here.sort_by_key(|(_, here)| here.asked);
        let mut leaving = Vec::new();
        for (name, here) in here {
            if used <= rest {
                break;
            }
            used -= here.bytes;
            leaving.push(name.clone());
        }
        (used <= rest).then_some(leaving)
    }
}

impl Wanted {
    fn is_waited_for(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked) < WAITING
    }
}

impl Here {
    fn may_leave(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.came);
        since >= self.stays && (self.is_asked || since >= STAY_UNASKED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> TableName {
        TableName::try_from(name.to_owned()).unwrap()
    }

    /// A cache for 100 bytes with tables of 40, which came and were asked one second after the other.
    fn with(tables: &[&TableName], at: impl Fn(u64) -> Instant) -> Cache {
        let cache = Cache::new(100);
        for (table, ms) in tables.iter().zip((0..).step_by(1_000)) {
            assert!(cache.want(table, at(ms)));
            assert!(!cache.want(table, at(ms)), "it is wanted already");
            assert_eq!(cache.room(table, 40, at(ms)), Some(Vec::new()));
            cache.came(table, 40, Duration::ZERO, at(ms));
            cache.asked(table, at(ms));
        }
        cache
    }

    #[test]
    fn the_least_recently_asked_leave() {
        let [a, b, c] = ["a", "b", "c"].map(name);
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let cache = with(&[&a, &b], at);
        assert_eq!((cache.used(), cache.bytes(&a), cache.bytes(&c)), (80, 40, 0));
        assert_eq!(cache.room(&c, 1, at(2_000)), None, "nobody asked for it");
        cache.want(&c, at(2_000));
        assert_eq!(cache.room(&c, 20, at(2_000)), Some(Vec::new()));
        assert_eq!(cache.room(&c, 40, at(2_000)), Some(vec![a.clone()]));
        cache.asked(&a, at(1_500));
        assert_eq!(cache.room(&c, 40, at(2_000)), Some(vec![b.clone()]));
        assert_eq!(cache.room(&c, 100, at(2_000)), Some(vec![b.clone(), a.clone()]));
        assert_eq!(cache.room(&c, 101, at(2_000)), None, "not even alone");
        // Others are asked all the time, and make room for whoever waits all the same.
        cache.asked(&b, at(2_500));
        cache.asked(&a, at(2_501));
        assert_eq!(cache.room(&c, 40, at(2_999)), Some(vec![b.clone()]));
        // Where nobody waits any more it takes no room from those that were asked since.
        assert_eq!(cache.room(&c, 40, at(3_000)), None);
        // One that is here grows at the expense of those that were asked before it, and of no others.
        assert_eq!(cache.room(&a, 40, at(3_001)), Some(vec![b.clone()]));
        assert_eq!(cache.room(&b, 40, at(3_001)), None);
        cache.left(&b);
        cache.renamed(&a, &b);
        cache.came(&b, 70, Duration::ZERO, at(3_002));
        assert_eq!((cache.bytes(&a), cache.bytes(&b), cache.used()), (0, 70, 70));
        cache.came(&c, 40, Duration::ZERO, at(3_003));
        assert_eq!(cache.surplus(), [c], "it was asked before the other one");
    }

    #[test]
    fn a_table_that_came_stays_for_those_who_waited_and_as_long_as_it_took() {
        let [a, b, c] = ["a", "b", "c"].map(name);
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let cache = with(&[&a, &b], at);
        let leaves = |ms| {
            cache.want(&c, at(ms));
            cache.room(&c, 100, at(ms)).is_some()
        };
        assert!(!leaves(1_099), "the second one came a moment ago");
        assert!(leaves(1_100));
        cache.left(&b);
        cache.came(&b, 40, Duration::from_secs(10), at(2_000));
        assert!(!leaves(3_999), "nobody has asked it yet, and it took long");
        cache.asked(&b, at(4_000));
        assert!(!leaves(11_999));
        assert!(leaves(12_001));
        cache.left(&b);
        cache.came(&b, 40, Duration::from_hours(1), at(20_000));
        assert!(!leaves(79_999));
        assert!(leaves(80_001), "nobody waits for ever");
    }

    #[test]
    fn those_that_somebody_waits_for_come_first_and_what_is_not_asked_again_does_not_come() {
        let [a, b, c] = ["a", "b", "c"].map(name);
        let (cache, began) = (Cache::new(100), Instant::now());
        let at = |ms| began + Duration::from_millis(ms);
        for (table, ms) in [(&c, 0), (&a, 10), (&b, 20), (&b, 1_500), (&a, 1_600)] {
            cache.want(table, at(ms));
        }
        assert_eq!(cache.wanted(at(900)), [&c, &a, &b].map(Clone::clone));
        assert_eq!(cache.wanted(at(2_000)), [&a, &b, &c].map(Clone::clone));
        assert_eq!(cache.wanted(at(5_000)), [&a, &b].map(Clone::clone));
        cache.refuse(&a, at(9_000));
        assert!(!cache.is_wanted(&a) && cache.is_wanted(&b));
        assert_eq!(cache.wanted(at(7_000)), []);
        assert_eq!(cache.forgiven(at(8_999)), []);
        assert_eq!(cache.forgiven(at(9_000)), [a]);
        assert_eq!(cache.forgiven(at(9_000)), []);
    }
}
