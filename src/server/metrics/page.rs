//! The page of metrics, in Prometheus' text format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::job::JobState;
use crate::engine::slots::Slot;
use crate::engine::{Engine, IndexState, Role, TableStatus};
use crate::limits;
use crate::server::access::now;
use crate::server::admin::resident;
use crate::server::metrics::tables::{ASKED, OTHERS, share_ends};
use crate::server::metrics::{Metrics, Times, part_seconds};
use crate::server::plan::KINDS;
use crate::server::transport::Doors;
use crate::table::meta::TableName;
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

    /// A value with labels, which are names of ours, or of tables, which have no such signs: nothing in them is escaped.
    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels = labels.iter().map(|(name, value)| format!("{name}=\"{value}\""));
        let labels = labels.collect::<Vec<_>>().join(",");
        let _ = writeln!(self.0, "wordspace_{name}{{{labels}}} {value}");
    }

    /// How long calls took; what nobody asked has no series.
    fn times(&mut self, name: &str, labels: &[(&str, &str)], times: &Times) {
        self.histogram(name, labels, (part_seconds(), times.counts()), times.seconds());
    }

    /// How many values lie in each part, of which there may be one more than ends; and their sum. Nothing if there are
    /// none.
    fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        (ends, counts): (impl Iterator<Item = f64>, Vec<u64>),
        sum: f64,
    ) {
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return;
        }
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (count, end) in counts.iter().zip(ends) {
            below += count;
            let end = end.to_string();
            self.labelled(&bucket, &[labels, &[("le", &end)]].concat(), below);
        }
        self.labelled(&bucket, &[labels, &[("le", "+Inf")]].concat(), total);
        self.labelled(&format!("{name}_sum"), labels, sum);
        self.labelled(&format!("{name}_count"), labels, total);
    }

    /// A number that goes up and down.
    fn gauge(&mut self, name: &str, about: &str, value: impl Display) {
        self.metric(name, "gauge", about);
        self.value(name, value);
    }

    /// A number that only grows.
    fn counter(&mut self, name: &str, about: &str, value: u64) {
        self.metric(name, "counter", about);
        self.value(name, value);
    }

    /// A number that goes up and down, by one label.
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
        let tables = self.engine.tables();
        self.state(&mut page, &tables);
        by_table(&mut page, &self.doors.metrics, &tables);
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
        let working = lanes.map(|(lane, load)| (lane, load.working));
        let about = "Threads that compute an answer; quick ones are computed elsewhere";
        page.gauges("pool_working", about, "lane", working);
        let slots = self.engine.jobs().slots().load();
        let name = |slot: Slot| match slot {
            Slot::Import => "import",
            Slot::Export => "export",
            Slot::Training => "training",
            Slot::Long => "long",
            Slot::Thread => "thread",
            Slot::Sweep => "sweep",
            Slot::Arrange => "arrange",
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
        if let Some(spans) = self.doors.spans.counts() {
            let about = "Calls that were to be told as spans; what was neither sent nor failed waits, or found no room";
            page.counter("spans_ended_total", about, spans.ended);
            page.counter("spans_sent_total", "Spans that the collector took", spans.sent);
            let about = "Spans that the collector did not take";
            page.counter("spans_failed_total", about, spans.failed);
        }
    }

    /// How far publishing or following is.
    fn replica(&self, page: &mut Page) {
        let Some(replica) = self.engine.replica(Instant::now()) else { return };
        let role = match replica.role {
            Role::Writer => "writer",
            Role::Reader => "reader",
        };
        let about = "Whether all of one publication was made, or its tables answer";
        page.gauges("replica_ready", about, "role", [(role, u8::from(replica.is_ready))]);
        if let Some(age) = replica.age {
            let about = "Since the location was looked at last and nothing was left to do";
            page.gauge("replica_age_seconds", about, age.as_secs_f64());
        }
        if let Some((epoch, number)) = replica.at {
            page.gauge("replica_epoch", "Of the last publication that is whole", epoch);
            page.gauge("replica_publication", "Its number", number);
        }
        if let Some((bytes, max)) = replica.cache {
            page.gauge("replica_cache_bytes", "Of the tables that are here", bytes);
            page.gauge("replica_cache_bytes_max", "How many they may have", max);
        }
        let about = "Whether something keeps it from going on";
        page.gauge("replica_problem", about, u8::from(replica.problem.is_some()));
    }

    /// What is there.
    fn state(&self, page: &mut Page, tables: &[TableStatus]) {
        let engine = self.engine.status();
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
        for table in tables {
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
        page.times("call_seconds", &[("method", path)], &method.times);
    }
    let about = "Calls by what found their answers and how long they took";
    page.metric("answer_seconds", "histogram", about);
    for ((_, kind), times) in KINDS.iter().zip(&metrics.plans) {
        page.times("answer_seconds", &[("answered_by", kind)], times);
    }
    page.metric("call_errors_total", "counter", "Calls that failed, by method, code and reason");
    for (&(place, code, reason), count) in &*metrics.errors.lock() {
        let path = metrics.methods.get(place).map_or("", |method| method.path);
        let path = path.trim_start_matches('/');
        let labels = [("method", path), ("code", code), ("reason", reason)];
        page.labelled("call_errors_total", &labels, count);
    }
}

/// What is told of tables by name: of few, and of the others together.
fn by_table(page: &mut Page, metrics: &Metrics, tables: &[TableStatus]) {
    let there: BTreeSet<&TableName> = tables.iter().map(|table| &table.meta.name).collect();
    let (mut seconds, mut recall) = (Page(String::new()), Page(String::new()));
    metrics.tables.each(&there, |table, of| {
        for ((_, kind), times) in KINDS.iter().zip(&of.plans) {
            let labels = [("table", table), ("answered_by", *kind)];
            seconds.times("table_seconds", &labels, times);
        }
        for (most, shares) in ASKED.iter().zip(&of.recalls) {
            let most = most.to_string();
            let labels = [("table", table), ("k_up_to", most.as_str())];
            recall.histogram("recall", &labels, (share_ends(), shares.counts()), shares.sum());
        }
    });
    let about = "Answers by table and by what found them, and how long after the question";
    page.metric("table_seconds", "histogram", about);
    page.0.push_str(&seconds.0);
    if let Some(sampler) = &metrics.sampler {
        let about = "Share of the nearest rows that indexes found, of a sample of the answers whose questions left it to \
                     the server how far to look, by the neighbors that were asked for";
        page.metric("recall", "histogram", about);
        page.0.push_str(&recall.0);
        let about = "Answers of the sample that were not compared with every row, by why";
        page.metric("recall_skipped_total", "counter", about);
        for (because, count) in sampler.skipped() {
            page.labelled("recall_skipped_total", &[("because", because)], count);
        }
    }
    sizes(page, &metrics.tables.told(&there), tables);
}

/// How large tables are, and how old their indexes.
fn sizes(page: &mut Page, told: &BTreeSet<&TableName>, tables: &[TableStatus]) {
    let mut by_name: BTreeMap<&str, Vec<&TableStatus>> = BTreeMap::new();
    for table in tables {
        let name = &table.meta.name;
        let shown = if told.contains(name) { name.as_str() } else { OTHERS };
        by_name.entry(shown).or_default().push(table);
    }
    let mut each = |name: &str, about: &str, value: &dyn Fn(&[&TableStatus]) -> Option<u64>| {
        page.metric(name, "gauge", about);
        for (&table, of) in &by_name {
            if let Some(value) = value(of) {
                page.labelled(name, &[("table", table)], value);
            }
        }
    };
    let sum = |of: &[&TableStatus], value: fn(&TableStatus) -> u64| -> Option<u64> {
        Some(of.iter().map(|table| value(table)).sum())
    };
    each("table_rows", "Rows by table", &|of| sum(of, |table| table.meta.row_count));
    let about = "Memory of rows, words, index and writes by table";
    each("table_memory_bytes", about, &|of| sum(of, |table| table.memory_bytes as u64));
    let about = "Memory of the index, a part of the table's";
    each("table_index_memory_bytes", about, &|of| sum(of, |table| table.index.memory_bytes as u64));
    let about = "Vectors that stay on the disk, by table";
    each("table_mapped_bytes", about, &|of| sum(of, |table| table.mapped_bytes as u64));
    let about = "Rows that the table's index has not taken in yet";
    each("table_written_rows", about, &|of| {
        sum(of, |table| (table.index.written_rows + table.index.deleted_rows) as u64)
    });
    let about = "Since the table's index was built; the oldest, where tables are told together";
    each("index_age_seconds", about, &|of| {
        let ages = of.iter().filter_map(|table| table.index.built_at?.elapsed().ok());
        ages.max().map(|age| age.as_secs())
    });
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
