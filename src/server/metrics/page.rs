//! The page of metrics, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::job::JobState;
use crate::engine::slots::Slot;
use crate::engine::{Engine, IndexState, Role, TableStatus};
use crate::limits;
use crate::server::access::now;
use crate::server::admin::resident;
use crate::server::metrics::{Metrics, Times, part_seconds};
use crate::server::plan::KINDS;
use crate::server::transport::Doors;
use crate::vector::kernel;

/// All that the page tells of.
#[derive(Clone, Debug)]
pub(in crate::server) struct Sources {
    pub(in crate::server) engine: Engine,
    pub(in crate::server) doors: Arc<Doors>,
    pub(in crate::server) began: Instant,
}

/// The page as it is written.
struct Page(String);

impl Page {
    /// Begins a metric; what it is stands before its values.
    fn metric(&mut self, name: &str, kind: &str, about: &str) {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP wordspace_{name} {about}\n# TYPE wordspace_{name} {kind}");
    }

    /// A value without labels.
    fn value(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "wordspace_{name} {value}");
    }

    /// A value with labels, which are names of ours: nothing in them is escaped.
    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels = labels.iter().map(|(name, value)| format!("{name}=\"{value}\""));
        let labels = labels.collect::<Vec<_>>().join(",");
        let _ = writeln!(self.0, "wordspace_{name}{{{labels}}} {value}");
    }

    /// How long calls took; what nobody asked has no series.
    fn times(&mut self, name: &str, label: (&str, &str), times: &Times) {
        let counts = times.counts();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return;
        }
        let bucket = format!("{name}_bucket");
        let mut sum = 0;
        for (count, end) in counts.iter().zip(part_seconds()) {
            sum += count;
            let end = end.to_string();
            self.labelled(&bucket, &[label, ("le", &end)], sum);
        }
        self.labelled(&bucket, &[label, ("le", "+Inf")], total);
        self.labelled(&format!("{name}_sum"), &[label], times.seconds());
        self.labelled(&format!("{name}_count"), &[label], total);
    }

    /// A number that goes up and down.
    fn gauge(&mut self, name: &str, about: &str, value: impl Display) {
        self.metric(name, "gauge", about);
        self.value(name, value);
    }

    /// The same, with one label.
    fn gauges<V: Display>(
        &mut self,
        name: &str,
        about: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.metric(name, "gauge", about);
        for (of, value) in values {
            self.labelled(name, &[(label, of)], value);
        }
    }
}

impl Sources {
    /// The page. Waits for locks, and not for the disk.
    pub(super) fn page(&self) -> String {
        let mut page = Page(String::with_capacity(64 << 10));
        page.metric("build_info", "gauge", "What runs: 1");
        let build = [("version", env!("CARGO_PKG_VERSION")), ("kernel", kernel::name())];
        page.labelled("build_info", &build, 1);
        page.gauge("uptime_seconds", "Since the start", self.began.elapsed().as_secs());
        calls(&mut page, &self.doors.metrics);
        self.load(&mut page);
        self.state(&mut page);
        page.0
    }

    /// What is worked on, and waits.
    fn load(&self, page: &mut Page) {
        let load = self.doors.registry.load();
        page.gauge("connections", "Connections that are open", load.connections);
        page.gauge("connections_max", "Connections at once, at most", load.connections_max);
        let lanes = self.doors.pool.load();
        let waiting = lanes.map(|(lane, load)| (lane, load.waiting));
        page.gauges("pool_waiting", "Questions that wait for a thread", "lane", waiting);
        let max = lanes.map(|(lane, load)| (lane, load.waiting_max));
        page.gauges("pool_waiting_max", "More are refused", "lane", max);
        let threads = lanes.map(|(lane, load)| (lane, load.threads));
        page.gauges("pool_threads", "Threads that answer", "lane", threads);
        let slots = self.engine.jobs().slots().load();
        let name = |slot: Slot| match slot {
            Slot::Import => "import",
            Slot::Export => "export",
            Slot::Training => "training",
            Slot::Long => "long",
            Slot::Thread => "thread",
            Slot::Sweep => "sweep",
        };
        let taken = slots.map(|load| (name(load.slot), load.taken));
        page.gauges("slots_taken", "Jobs and long calls that work", "slot", taken);
        let waiting = slots.map(|load| (name(load.slot), load.waiting));
        page.gauges("slots_waiting", "Jobs that wait for their turn", "slot", waiting);
        let max = slots.map(|load| (name(load.slot), load.max));
        page.gauges("slots", "Jobs and long calls that work at once, at most", "slot", max);
        let mut jobs = BTreeMap::from(
            [
                JobState::Waiting,
                JobState::Running,
                JobState::Done,
                JobState::Failed,
                JobState::Cancelled,
            ]
            .map(|state| (state_name(state), 0_usize)),
        );
        for job in self.engine.jobs().list() {
            *jobs.entry(state_name(job.status().state)).or_default() += 1;
        }
        let about = "Jobs that wait, run, or ended within the last hour";
        page.gauges("jobs", about, "state", jobs);
    }

    /// How far publishing or following is.
    fn replica(&self, page: &mut Page) {
        let Some(replica) = self.engine.replica(Instant::now()) else { return };
        let role = match replica.role {
            Role::Writer => "writer",
            Role::Reader => "reader",
        };
        let about = "Whether all of one publication was made, or brought";
        page.gauges("replica_ready", about, "role", [(role, u8::from(replica.is_ready))]);
        if let Some(age) = replica.age {
            let about = "Since the location was looked at last and nothing was left to do";
            page.gauge("replica_age_seconds", about, age.as_secs_f64());
        }
        if let Some((epoch, number)) = replica.at {
            page.gauge("replica_epoch", "Of the last publication that is whole", epoch);
            page.gauge("replica_publication", "Its number", number);
        }
        let about = "Whether something keeps it from going on";
        page.gauge("replica_problem", about, u8::from(replica.problem.is_some()));
    }

    /// What is there.
    fn state(&self, page: &mut Page) {
        let (engine, tables) = (self.engine.status(), self.engine.tables());
        let load = self.doors.registry.load();
        let sum = |of: fn(&TableStatus) -> usize| tables.iter().map(of).sum::<usize>() as u64;
        let memory = [
            ("resident", resident("VmRSS:").unwrap_or(0)),
            ("tables", sum(|table| table.memory_bytes)),
            ("indexes", sum(|table| table.index.memory_bytes)),
            ("jobs", engine.job_memory.0),
            ("requests", load.received_bytes as u64),
            ("answers", load.answer_bytes as u64),
        ];
        let about =
            "Memory by part: `resident` is all of the process, `indexes` a part of `tables`";
        page.gauges("memory_bytes", about, "part", memory);
        let max = [
            ("jobs", engine.job_memory.1),
            ("requests", limits::RECEIVED_BYTES_MAX as u64),
            ("answers", limits::ANSWERS_BYTES_MAX as u64),
        ];
        page.gauges("memory_bytes_max", "What a part may take", "part", max);
        let disk = [
            ("tables", engine.store_bytes),
            ("indexes", engine.index_bytes),
            ("spool", engine.spool.0),
            ("uploads", engine.upload_bytes),
        ];
        let about = "Disk by part: `uploads` are a part of `spool`";
        page.gauges("disk_bytes", about, "part", disk);
        page.gauge("disk_spool_bytes_max", "What the spool may take", engine.spool.1);
        let mut states = BTreeMap::from(
            [
                IndexState::NotNeeded,
                IndexState::Queued,
                IndexState::Building,
                IndexState::Ready,
                IndexState::Failed,
                IndexState::Stopped,
            ]
            .map(|state| (index_name(state), 0_usize)),
        );
        for table in &tables {
            *states.entry(index_name(table.index.state)).or_default() += 1;
        }
        page.gauges("tables", "Tables by how far their index is", "index", states);
        page.gauge("rows", "Rows of all tables", engine.row_count);
        let written = sum(|table| table.index.written_rows + table.index.deleted_rows);
        page.gauge("written_rows", "Rows that no index has taken in yet", written);
        let now = now();
        let age = |at: u64| now.saturating_sub(at);
        let imported = tables.iter().map(|table| table.meta.provenance.imported_at);
        let ages = [
            ("oldest", imported.clone().min().map_or(0, age)),
            ("newest", imported.max().map_or(0, age)),
        ];
        page.gauges("table_age_seconds", "Since tables were imported", "of", ages);
        let unreadable = tables.iter().filter(|table| table.problem.is_some()).count();
        page.gauge("tables_unreadable", "Tables that cannot answer", unreadable);
        self.replica(page);
        if let Some(tls) = &self.doors.tls {
            let about = "Until when the certificate is valid, in seconds since 1970";
            page.gauge("certificate_valid_until", about, tls.valid_until());
        }
    }
}

fn calls(page: &mut Page, metrics: &Metrics) {
    page.gauge("calls_in_flight", "Calls that are open", metrics.in_flight());
    page.metric("call_seconds", "histogram", "Calls by method and how long they took");
    for method in &metrics.methods {
        let path = method.path.trim_start_matches('/');
        page.times("call_seconds", ("method", path), &method.times);
    }
    let about = "Calls by what found their answers and how long they took";
    page.metric("answer_seconds", "histogram", about);
    for ((_, kind), times) in KINDS.iter().zip(&metrics.plans) {
        page.times("answer_seconds", ("answered_by", kind), times);
    }
    page.metric("call_errors_total", "counter", "Calls that failed, by method, code and reason");
    for (&(place, code, reason), count) in &*metrics.errors.lock() {
        let path = metrics.methods.get(place).map_or("", |method| method.path);
        let path = path.trim_start_matches('/');
        let labels = [("method", path), ("code", code), ("reason", reason)];
        page.labelled("call_errors_total", &labels, count);
    }
}

fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn index_name(state: IndexState) -> &'static str {
    match state {
        IndexState::NotNeeded => "not-needed",
        IndexState::Queued => "queued",
        IndexState::Building => "building",
        IndexState::Ready => "ready",
        IndexState::Failed => "failed",
        IndexState::Stopped => "stopped",
    }
}
