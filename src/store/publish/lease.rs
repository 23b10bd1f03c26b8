//! Leases: what a slow reader still brings stays for it, though no publication needs it any more.
//!
//! No clock is compared with another one. A reader counts up what stands in its lease while it brings rows, and the
//! writer, by its own clock, how long ago it saw that change: a lease that stays the same for as long as anything
//! is kept holds nothing any more, and is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::backup::Target;
use crate::store::publish::KEEP;

const LEASES: &str = "leases/";
/// Bytes of a lease that are read.
const LEASE_BYTES_MAX: u64 = 1_024;
/// How often a reader changes its lease.
const RENEW: Duration = Duration::from_mins(1);
/// Leases that a writer looks at; readers beyond get what every reader gets.
const LEASES_MAX: usize = 256;
/// How long a reader may hold one publication, however slow it is.
const HELD_MAX: Duration = Duration::from_hours(24);

/// What a lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    epoch: u64,
    number: u64,
    /// Another one each time that it is put.
    count: u64,
}

/// A reader's side: its lease, as long as it has one.
#[derive(Debug)]
pub struct Holder {
    name: String,
    count: u64,
    /// The publication that is held, and when the lease was put last.
    held: Option<((u64, u64), Instant)>,
}

impl Holder {
    /// Of a reader with a name that no other one has.
    pub fn new(reader: &str) -> Self {
        Self { name: format!("{LEASES}{reader}"), count: 0, held: None }
    }

    /// Holds a publication from now on, or still. That it fails keeps nobody from reading: without it parts stay
    /// for ten minutes.
    pub fn hold(&mut self, target: &dyn Target, at: (u64, u64), now: Instant) {
        let is_new = |(held, put): (_, Instant)| held != at || now.duration_since(put) >= RENEW;
        if !self.held.is_none_or(is_new) {
            return;
        }
        self.held = Some((at, now));
        self.count += 1;
        let lease = Lease { epoch: at.0, number: at.1, count: self.count };
        let put = serde_json::to_vec(&lease).map_err(|_| Error::new(ErrorKind::Internal));
        if let Err(error) = put.and_then(|bytes| target.put(&self.name, &mut &bytes[..])) {
            tracing::warn!(?error, "what is brought is not held");
        }
    }

    /// Holds nothing from now on.
    pub fn release(&mut self, target: &dyn Target) {
        if self.held.take().is_some()
            && let Err(error) = target.remove(&self.name)
        {
            tracing::warn!(?error, "a lease stays, and ends by itself");
        }
    }
}

/// The writer's side: the leases that it has seen.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    /// None if it cannot be read: then it holds nothing.
    lease: Option<Lease>,
    /// When it was seen first with this publication.
    since: Instant,
    /// When it was seen first with this count.
    changed: Instant,
}

impl Leases {
    /// The publications that readers hold. Leases that hold nothing any more are removed.
    pub(super) fn look(
        &mut self,
        target: &dyn Target,
        now: Instant,
    ) -> Result<BTreeSet<(u64, u64)>> {
        let there = target.list(LEASES)?;
        self.0.retain(|name, _| there.contains_key(name));
        let mut left = 0;
        for name in there.into_keys() {
            // Those that were seen first go first: none that comes later takes what they hold.
            if !self.0.contains_key(&name) && self.0.len() >= LEASES_MAX {
                left += 1;
                continue;
            }
            let lease = read(target, &name)?;
            let held = |lease: &Option<Lease>| lease.as_ref().map(|one| (one.epoch, one.number));
            match self.0.get_mut(&name) {
                Some(seen) if seen.lease == lease => {}
                Some(seen) => {
                    if held(&seen.lease) != held(&lease) {
                        seen.since = now;
                    }
                    (seen.lease, seen.changed) = (lease, now);
                }
                None => _ = self.0.insert(name, Seen { lease, since: now, changed: now }),
            }
        }
        if left > 0 {
            tracing::warn!(
                left,
                "there are more leases than {LEASES_MAX}; the others hold nothing"
            );
        }
        let mut held = BTreeSet::new();
        let mut ended = Vec::new();
        for (name, seen) in &self.0 {
            let is_over = now.saturating_duration_since(seen.changed) >= KEEP
                || now.saturating_duration_since(seen.since) >= HELD_MAX;
            match &seen.lease {
                Some(lease) if !is_over => _ = held.insert((lease.epoch, lease.number)),
                Some(_) | None if is_over => ended.push(name.clone()),
                Some(_) | None => {}
            }
        }
        for name in ended {
            target.remove(&name)?;
            // One that is put again is seen as what it was: nobody holds for longer by that.
            if self.0.get(&name).is_some_and(|seen| now.duration_since(seen.since) < HELD_MAX) {
                self.0.remove(&name);
            }
        }
        Ok(held)
    }
}

fn read(target: &dyn Target, name: &str) -> Result<Option<Lease>> {
    let Some(file) = target.get(name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.take(LEASE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(Error::disk).context(|| format!("reading {name}"))?;
    Ok(serde_json::from_slice(&bytes).ok())
}
