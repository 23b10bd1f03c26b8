//! `House`: who is there. It admits connections, looks after those that let it wait, and says goodbye.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::limits;
use crate::server::transport::ConnectionLimits;
use crate::server::transport::pot::Pot;

/// How long a connection that was told to end may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// All connections and their calls.
#[derive(Debug)]
pub(in crate::server) struct House {
    limits: ConnectionLimits,
    began: Instant,
    peers: Mutex<Peers>,
    /// Calls that are waited for when the server ends.
    calls: AtomicUsize,
    /// Told when the last of them ends, and when the last connection does.
    quiet: Notify,
    received: Pot,
    answers: Pot,
}

#[derive(Debug, Default)]
struct Peers {
    all: BTreeMap<u64, Arc<Peer>>,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
}

/// What is known of a connection. Times are milliseconds since the house was opened, 0 for none; all of
/// it is only read to decide when to close, so no order is needed.
#[derive(Debug)]
pub(in crate::server) struct Peer {
    house: Arc<House>,
    id: u64,
    address: IpAddr,
    since: u64,
    read_bytes: AtomicU64,
    /// Since when the system takes nothing more.
    blocked_since: AtomicU64,
    /// Bytes of answers that the system has not taken yet.
    pub(super) queued: AtomicUsize,
    pub(super) has_room: Notify,
    calls: AtomicUsize,
    /// Since when no call is open.
    idle_since: AtomicU64,
    /// Whether a whole message came.
    has_asked: AtomicBool,
    /// Whether the last call to end was given up because its caller let it wait.
    has_stalled: AtomicBool,
    told_to_leave: AtomicU64,
    leave: watch::Sender<Leave>,
    pub(super) received: Pot,
    pub(super) answers: Pot,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    No,
    /// No new calls, and the end after those that are open.
    Soon,
    Now,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat(pub(super) Arc<Peer>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.house.remove(&mut self.0.house.peers.lock(), self.0.id);
    }
}

impl House {
    pub(in crate::server) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            began: Instant::now(),
            peers: Mutex::default(),
            calls: AtomicUsize::new(0),
            quiet: Notify::new(),
            received: Pot::new(limits::RECEIVED_BYTES_MAX),
            answers: Pot::new(limits::ANSWERS_BYTES_MAX),
        })
    }

    pub(super) fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// A place for a connection. If all are taken, the one that has asked nothing for longest makes
    /// room; if there is none, there is no place.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let address = network(address);
        let mut peers = self.peers.lock();
        let of_address = peers.by_address.get(&address).copied().unwrap_or(0);
        let is_crowd = of_address >= self.limits.per_address;
        if is_crowd || peers.all.len() >= self.limits.connections {
            let idlest = peers
                .all
                .values()
                .find(|peer| !peer.has_asked() && (!is_crowd || peer.address == address))?;
            let idlest = Arc::clone(idlest);
            idlest.leave.send_replace(Leave::Now);
            self.remove(&mut peers, idlest.id);
        }
        let id = peers.next;
        peers.next += 1;
        let peer = Arc::new(Peer {
            house: Arc::clone(self),
            id,
            address,
            since: self.now(),
            read_bytes: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            has_room: Notify::new(),
            calls: AtomicUsize::new(0),
            idle_since: AtomicU64::new(self.now()),
            has_asked: AtomicBool::new(false),
            has_stalled: AtomicBool::new(false),
            told_to_leave: AtomicU64::new(0),
            leave: watch::Sender::new(Leave::No),
            received: Pot::new(limits::CONNECTION_BYTES_MAX),
            answers: Pot::new(limits::CONNECTION_BYTES_MAX),
        });
        peers.all.insert(id, Arc::clone(&peer));
        *peers.by_address.entry(address).or_default() += 1;
        Some(Seat(peer))
    }

    fn remove(&self, peers: &mut Peers, id: u64) {
        let Some(peer) = peers.all.remove(&id) else { return };
        if let Some(count) = peers.by_address.get_mut(&peer.address) {
            *count -= 1;
            if *count == 0 {
                peers.by_address.remove(&peer.address);
            }
        }
        if peers.all.is_empty() {
            self.quiet.notify_waiters();
        }
    }

    /// Tells connections to end that let the server wait for too long.
    pub(super) fn look_around(&self) {
        let now = self.now();
        for peer in self.peers.lock().all.values() {
            let verdict = peer.verdict(now, &self.limits);
            if verdict != Leave::No {
                peer.tell(verdict, now);
            }
        }
    }

    /// Completes when no call is under way but those that only watch.
    pub(in crate::server) async fn quiet(&self) {
        loop {
            let quiet = self.quiet.notified();
            if self.calls.load(Ordering::SeqCst) == 0 {
                return;
            }
            quiet.await;
        }
    }

    /// Ends all connections: those that listen hear of it before.
    pub(in crate::server) async fn close(&self, within: Duration) {
        self.tell_all(Leave::Soon);
        let empty = async {
            loop {
                let quiet = self.quiet.notified();
                if self.peers.lock().all.is_empty() {
                    return;
                }
                quiet.await;
            }
        };
        if tokio::time::timeout(within, empty).await.is_err() {
            self.tell_all(Leave::Now);
        }
    }

    fn tell_all(&self, leave: Leave) {
        let now = self.now();
        for peer in self.peers.lock().all.values() {
            peer.tell(leave, now);
        }
    }
}

/// IPv6 callers have a whole network of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Peer {
    pub(super) fn limits(&self) -> &ConnectionLimits {
        &self.house.limits
    }

    /// Tells one connection from the others.
    pub(in crate::server) fn id(&self) -> u64 {
        self.id
    }

    /// The pots for messages that come in.
    pub(super) fn receiving(&self) -> [Pot; 2] {
        [self.received.clone(), self.house.received.clone()]
    }

    /// The pots for answers that wait to be read.
    pub(super) fn answering(&self) -> [Pot; 2] {
        [self.answers.clone(), self.house.answers.clone()]
    }

    pub(super) fn leaving(&self) -> watch::Receiver<Leave> {
        self.leave.subscribe()
    }

    pub(super) fn has_read(&self, bytes: usize) {
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The system took bytes of answers, or all.
    pub(super) fn has_written(&self, bytes: usize) {
        self.blocked_since.store(0, Ordering::Relaxed);
        let left = |queued: usize| Some(queued.saturating_sub(bytes));
        let before = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        let after = before.map_or(0, |before| before.saturating_sub(bytes));
        if after < limits::SEND_BYTES_MAX && before.is_ok_and(|b| b >= limits::SEND_BYTES_MAX) {
            self.has_room.notify_waiters();
        }
    }

    /// The system takes nothing.
    pub(super) fn is_blocked(&self) {
        let now = self.house.now();
        let _was_blocked_before =
            self.blocked_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    pub(super) fn asked(&self) {
        if !self.has_asked() {
            self.has_asked.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn call_begins(&self, is_waited_for: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if is_waited_for {
            self.house.calls.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn call_ends(&self, is_waited_for: bool, has_stalled: bool) {
        self.has_stalled.store(has_stalled, Ordering::Relaxed);
        if self.calls.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.idle_since.store(self.house.now(), Ordering::Relaxed);
        }
        if is_waited_for && self.house.calls.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.house.quiet.notify_waiters();
        }
    }

    fn tell(&self, leave: Leave, now: u64) {
        let is_news = |told: &mut Leave| {
            let is_news = *told != Leave::Now && *told != leave;
            if is_news {
                *told = leave;
            }
            is_news
        };
        if self.leave.send_if_modified(is_news) && leave == Leave::Soon {
            self.told_to_leave.store(now, Ordering::Relaxed);
        }
    }

    fn verdict(&self, now: u64, limits: &ConnectionLimits) -> Leave {
        let is_over = |since: u64, limit: Duration| {
            since > 0 && u128::from(now.saturating_sub(since)) > limit.as_millis()
        };
        let load = |time: &AtomicU64| time.load(Ordering::Relaxed);
        if is_over(load(&self.blocked_since), limits.stall) {
            return Leave::Now;
        }
        if load(&self.read_bytes) < super::connection::PREFACE_BYTES
            && is_over(self.since, limits.handshake)
        {
            return Leave::Now;
        }
        if self.calls.load(Ordering::Relaxed) > 0 {
            return Leave::No;
        }
        let (told, idle_since) = (load(&self.told_to_leave), load(&self.idle_since));
        if told > 0 && is_over(told.max(idle_since), FAREWELL) {
            return Leave::Now;
        }
        let is_silent = !self.has_asked() && is_over(self.since, limits.first_call);
        let is_idle = is_over(idle_since, limits.idle);
        if is_silent || is_idle || self.has_stalled.load(Ordering::Relaxed) {
            return Leave::Soon;
        }
        Leave::No
    }
}
