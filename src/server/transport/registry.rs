//! `Registry`: all connections. It admits them, and shuts down those that let the server wait for too long.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::limits;
use crate::server::access::Address;
use crate::server::transport::ConnectionLimits;
use crate::server::transport::byte_budget::ByteBudget;

/// How long a connection that is to end may take to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// All connections and their calls.
#[derive(Debug)]
pub(in crate::server) struct Registry {
    limits: ConnectionLimits,
    began: Instant,
    peers: Mutex<Peers>,
    /// Calls that are waited for when the server ends.
    calls: AtomicUsize,
    /// Notified when the last of them ends, and when the last connection does.
    drained: Notify,
    received: ByteBudget,
    answers: ByteBudget,
}

/// What connections take.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Load {
    pub(in crate::server) connections: usize,
    pub(in crate::server) connections_max: usize,
    /// Bytes of messages that come in or are worked on.
    pub(in crate::server) received_bytes: usize,
    /// Bytes of answers that were not read.
    pub(in crate::server) answer_bytes: usize,
}

#[derive(Debug, Default)]
struct Peers {
    all: BTreeMap<u64, Arc<Peer>>,
    by_address: HashMap<Address, usize>,
    next: u64,
}

/// What is known of a connection. Times are milliseconds since the registry was made, 0 for none; all of
/// it is only read to decide when to close, so no order is needed.
#[derive(Debug)]
pub(in crate::server) struct Peer {
    registry: Arc<Registry>,
    id: u64,
    address: Address,
    since: u64,
    /// Whether it began to speak HTTP.
    has_begun: AtomicBool,
    /// Since when the system takes nothing more.
    blocked_since: AtomicU64,
    /// Bytes of answers that the system has not taken yet.
    pub(super) queued: AtomicUsize,
    pub(super) has_room: Notify,
    calls: AtomicUsize,
    /// Since when no call is open.
    idle_since: AtomicU64,
    /// Whether a whole message came.
    has_sent_message: AtomicBool,
    /// Whether one came on a call that does more than watch the server, for which no key is needed.
    has_asked: AtomicBool,
    /// Whether the last call to end was given up because its caller let it wait.
    has_stalled: AtomicBool,
    shutdown_since: AtomicU64,
    shutdown: watch::Sender<Shutdown>,
    pub(super) received: ByteBudget,
    pub(super) answers: ByteBudget,
    /// The names in its caller's certificate, once they are proven.
    certificates: OnceLock<Vec<String>>,
}

/// Whether a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shutdown {
    None,
    /// No new calls, and the end after those that are open.
    Graceful,
    Immediate,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Registration(pub(super) Arc<Peer>);

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.registry.remove(&mut self.0.registry.peers.lock(), self.0.id);
    }
}

impl Registry {
    pub(in crate::server) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            began: Instant::now(),
            peers: Mutex::default(),
            calls: AtomicUsize::new(0),
            drained: Notify::new(),
            received: ByteBudget::new(limits::RECEIVED_BYTES_MAX),
            answers: ByteBudget::new(limits::ANSWERS_BYTES_MAX),
        })
    }

    pub(super) fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// What connections take now, and may take.
    pub(in crate::server) fn load(&self) -> Load {
        Load {
            connections: self.peers.lock().all.len(),
            connections_max: self.limits.connections,
            received_bytes: self.received.used(),
            answer_bytes: self.answers.used(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// A place for a connection. If all are taken, the one that has asked nothing for longest makes
    /// room; if there is none, there is no place. Whoever only watches the server's health asks nothing: it needs no
    /// key, and would hold its place for ever.
    pub(super) fn admit(self: &Arc<Self>, address: Address) -> Option<Registration> {
        let address = match address {
            Address::Ip(address) => Address::Ip(network(address)),
            Address::Unix => Address::Unix,
        };
        let mut peers = self.peers.lock();
        let of_address = peers.by_address.get(&address).copied().unwrap_or(0);
        let is_crowd = of_address >= self.limits.per_address;
        if is_crowd || peers.all.len() >= self.limits.connections {
            let idlest = peers
                .all
                .values()
                .find(|peer| !peer.has_asked() && (!is_crowd || peer.address == address))?;
            let idlest = Arc::clone(idlest);
            idlest.shutdown.send_replace(Shutdown::Immediate);
            self.remove(&mut peers, idlest.id);
        }
        let id = peers.next;
        peers.next += 1;
        let peer = Arc::new(Peer {
            registry: Arc::clone(self),
            id,
            address,
            since: self.now(),
            has_begun: AtomicBool::new(false),
            blocked_since: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            has_room: Notify::new(),
            calls: AtomicUsize::new(0),
            idle_since: AtomicU64::new(self.now()),
            has_sent_message: AtomicBool::new(false),
            has_asked: AtomicBool::new(false),
            has_stalled: AtomicBool::new(false),
            shutdown_since: AtomicU64::new(0),
            shutdown: watch::Sender::new(Shutdown::None),
            received: ByteBudget::new(limits::CONNECTION_BYTES_MAX),
            answers: ByteBudget::new(limits::CONNECTION_BYTES_MAX),
            certificates: OnceLock::new(),
        });
        peers.all.insert(id, Arc::clone(&peer));
        *peers.by_address.entry(address).or_default() += 1;
        Some(Registration(peer))
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
            self.drained.notify_waiters();
        }
    }

    /// Shuts down connections that let the server wait for too long.
    pub(super) fn close_overdue(&self) {
        let now = self.now();
        for peer in self.peers.lock().all.values() {
            let due_shutdown = peer.due_shutdown(now, &self.limits);
            if due_shutdown != Shutdown::None {
                peer.request_shutdown(due_shutdown, now);
            }
        }
    }

    /// Completes when no call is under way but those that only watch.
    pub(in crate::server) async fn drained(&self) {
        loop {
            let drained = self.drained.notified();
            if self.calls.load(Ordering::SeqCst) == 0 {
                return;
            }
            drained.await;
        }
    }

    /// Ends all connections, gracefully as far as there is time.
    pub(in crate::server) async fn close(&self, within: Duration) {
        self.shut_down_all(Shutdown::Graceful);
        let empty = async {
            loop {
                let drained = self.drained.notified();
                if self.peers.lock().all.is_empty() {
                    return;
                }
                drained.await;
            }
        };
        if tokio::time::timeout(within, empty).await.is_err() {
            self.shut_down_all(Shutdown::Immediate);
        }
    }

    fn shut_down_all(&self, shutdown: Shutdown) {
        let now = self.now();
        for peer in self.peers.lock().all.values() {
            peer.request_shutdown(shutdown, now);
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
        &self.registry.limits
    }

    /// Tells one connection from the others.
    pub(in crate::server) fn id(&self) -> u64 {
        self.id
    }

    /// Where it comes from; of IPv6 the network.
    pub(super) fn address(&self) -> Address {
        self.address
    }

    /// The names in its caller's certificate; none without one.
    pub(super) fn certificates(&self) -> &[String] {
        self.certificates.get().map_or(&[], Vec::as_slice)
    }

    /// The budgets for messages that come in.
    pub(super) fn receiving(&self) -> [ByteBudget; 2] {
        [self.received.clone(), self.registry.received.clone()]
    }

    /// The budgets for answers that wait to be read.
    pub(super) fn answering(&self) -> [ByteBudget; 2] {
        [self.answers.clone(), self.registry.answers.clone()]
    }

    pub(super) fn subscribe_shutdown(&self) -> watch::Receiver<Shutdown> {
        self.shutdown.subscribe()
    }

    /// It began to speak HTTP.
    pub(super) fn mark_begun(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Its caller is proven to have these names.
    pub(super) fn prove(&self, names: Vec<String>) {
        // Nobody is proven twice on one connection.
        let _ = self.certificates.set(names);
    }

    /// The system took bytes of answers, or all.
    pub(super) fn record_written(&self, bytes: usize) {
        self.blocked_since.store(0, Ordering::Relaxed);
        let left = |queued: usize| Some(queued.saturating_sub(bytes));
        let before = self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        let after = before.map_or(0, |before| before.saturating_sub(bytes));
        if after < limits::SEND_BYTES_MAX && before.is_ok_and(|b| b >= limits::SEND_BYTES_MAX) {
            self.has_room.notify_waiters();
        }
    }

    /// The system takes nothing.
    pub(super) fn record_blocked(&self) {
        let now = self.registry.now();
        let _was_blocked_before =
            self.blocked_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn has_sent_message(&self) -> bool {
        self.has_sent_message.load(Ordering::Relaxed)
    }

    fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    pub(super) fn mark_message(&self, is_watching: bool) {
        if !self.has_sent_message() {
            self.has_sent_message.store(true, Ordering::Relaxed);
        }
        if !is_watching && !self.has_asked() {
            self.has_asked.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn begin_call(&self, is_waited_for: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if is_waited_for {
            self.registry.calls.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn end_call(&self, is_waited_for: bool, has_stalled: bool) {
        self.has_stalled.store(has_stalled, Ordering::Relaxed);
        if self.calls.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.idle_since.store(self.registry.now(), Ordering::Relaxed);
        }
        if is_waited_for && self.registry.calls.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.registry.drained.notify_waiters();
        }
    }

    fn request_shutdown(&self, asked: Shutdown, now: u64) {
        let is_news = |current: &mut Shutdown| {
            let is_news = *current != Shutdown::Immediate && *current != asked;
            if is_news {
                *current = asked;
            }
            is_news
        };
        if self.shutdown.send_if_modified(is_news) && asked == Shutdown::Graceful {
            self.shutdown_since.store(now, Ordering::Relaxed);
        }
    }

    fn due_shutdown(&self, now: u64, limits: &ConnectionLimits) -> Shutdown {
        let is_over = |since: u64, limit: Duration| {
            since > 0 && u128::from(now.saturating_sub(since)) > limit.as_millis()
        };
        let load = |time: &AtomicU64| time.load(Ordering::Relaxed);
        if is_over(load(&self.blocked_since), limits.stall) {
            return Shutdown::Immediate;
        }
        let has_begun = self.has_begun.load(Ordering::Relaxed);
        if !has_begun && is_over(self.since, limits.handshake) {
            return Shutdown::Immediate;
        }
        if self.calls.load(Ordering::Relaxed) > 0 {
            return Shutdown::None;
        }
        let (asked, idle_since) = (load(&self.shutdown_since), load(&self.idle_since));
        if asked > 0 && is_over(asked.max(idle_since), DRAIN_TIMEOUT) {
            return Shutdown::Immediate;
        }
        let is_silent = !self.has_sent_message() && is_over(self.since, limits.first_call);
        let is_idle = is_over(idle_since, limits.idle);
        if is_silent || is_idle || self.has_stalled.load(Ordering::Relaxed) {
            return Shutdown::Graceful;
        }
        Shutdown::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_watches_makes_room_for_who_asks() {
        let limits = ConnectionLimits { connections: 2, per_address: 2, ..Default::default() };
        let registry = Registry::new(limits);
        let come = || registry.admit(Address::Unix);
        let (watching, asking) = (come().unwrap(), come().unwrap());
        for registration in [&watching, &asking] {
            registration.0.begin_call(false);
        }
        watching.0.mark_message(true);
        asking.0.mark_message(false);
        let mut shutdown = watching.0.subscribe_shutdown();
        let third = come().unwrap();
        assert_eq!(*shutdown.borrow_and_update(), Shutdown::Immediate);
        assert_eq!(*asking.0.subscribe_shutdown().borrow(), Shutdown::None);
        third.0.mark_message(false);
        assert!(come().is_none(), "nobody makes room who asked");
    }
}
