//! AdminService: the server itself.

use std::time::Instant;

use tonic::{Request, Response, Status, async_trait};

use crate::engine::{EngineStatus, ReplicaStatus, Role};
use crate::error::{Error, Result};
use crate::proto as pb;
use crate::proto::admin_service_server::AdminService;
use crate::server::backup::{Backup, Backups, Listed, Restore, Verification};
use crate::server::desk::Desk;
use crate::server::job::Replies;
use crate::server::metrics::{Ended, part_seconds};
use crate::server::{pool, transport, wire};
use crate::vector::kernel;

#[async_trait]
impl AdminService for Desk {
    type VerifyStream = Replies<pb::VerifyResponse>;
    type BackupStream = Replies<pb::BackupResponse>;
    type RestoreStream = Replies<pb::RestoreResponse>;

    async fn get_status(
        &self,
        request: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let uptime_seconds = self.began.elapsed().as_secs_f64();
        let calls = Calls {
            load: self.registry.load(),
            open: self.metrics.in_flight(),
            ended: self.metrics.ended(),
            lanes: self.pool.load(),
        };
        self.answer(request, move |engine, Everything| {
            let (status, problems) = (engine.status(), engine.problems());
            let replica = engine.replica(Instant::now());
            Ok(Measured { status, replica, problems, uptime_seconds, calls })
        })
        .await
    }

    async fn verify(
        &self,
        request: Request<pb::VerifyRequest>,
    ) -> Result<Response<Self::VerifyStream>, Status> {
        Verification::start(self, request)
    }

    async fn backup(
        &self,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        Backup::start(self, request)
    }

    async fn list_backups(
        &self,
        request: Request<pb::ListBackupsRequest>,
    ) -> Result<Response<pb::ListBackupsResponse>, Status> {
        self.answer(request, |engine, Backups| engine.backups().map(Listed)).await
    }

    async fn restore(
        &self,
        request: Request<pb::RestoreRequest>,
    ) -> Result<Response<Self::RestoreStream>, Status> {
        Restore::start(self, request)
    }
}

struct Everything;

impl TryFrom<pb::GetStatusRequest> for Everything {
    type Error = Error;

    fn try_from(_: pb::GetStatusRequest) -> Result<Self> {
        Ok(Self)
    }
}

struct Measured {
    status: EngineStatus,
    replica: Option<ReplicaStatus>,
    problems: Vec<String>,
    uptime_seconds: f64,
    calls: Calls,
}

/// What callers do.
struct Calls {
    load: transport::Load,
    open: usize,
    ended: Vec<Ended>,
    lanes: [(&'static str, pool::Load); 5],
}

fn method(ended: Ended) -> pb::MethodCalls {
    pb::MethodCalls {
        method: ended.path.trim_start_matches('/').to_owned(),
        count: ended.counts.iter().sum(),
        error_count: ended.errors,
        seconds: ended.seconds,
        counts: ended.counts,
    }
}

fn told(replica: ReplicaStatus) -> pb::Replica {
    let role = match replica.role {
        Role::Writer => pb::replica::Role::Writer,
        Role::Reader => pb::replica::Role::Reader,
    };
    let (epoch, publication) = replica.at.unwrap_or_default();
    let (cache_bytes, cache_bytes_max) = replica.cache.unwrap_or_default();
    pb::Replica {
        role: role.into(),
        ready: replica.is_ready,
        age_seconds: replica.age.map(|age| age.as_secs_f64()),
        epoch,
        publication,
        problem: replica.problem.unwrap_or_default(),
        cache_bytes,
        cache_bytes_max,
    }
}

fn lane((name, load): (&str, pool::Load)) -> pb::Lane {
    pb::Lane {
        name: name.to_owned(),
        thread_count: wire::count(load.threads),
        waiting_count: wire::count(load.waiting),
        waiting_count_max: wire::count(load.waiting_max),
    }
}

impl From<Measured> for pb::GetStatusResponse {
    fn from(measured: Measured) -> Self {
        let Measured { status: engine, replica, problems, uptime_seconds, calls } = measured;
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds,
            table_count: wire::count(engine.table_count),
            row_count: engine.row_count,
            resident_bytes: resident("VmRSS:").unwrap_or(0),
            resident_bytes_max: resident("VmHWM:").unwrap_or(0),
            store_bytes: engine.store_bytes,
            index_bytes: engine.index_bytes,
            kernel: kernel::name().to_owned(),
            import_count: wire::count(engine.import_count),
            build_count: wire::count(engine.build_count),
            problems,
            job_memory_bytes: engine.job_memory.0,
            job_memory_bytes_max: engine.job_memory.1,
            spool_bytes: engine.spool.0,
            spool_bytes_max: engine.spool.1,
            upload_bytes: engine.upload_bytes,
            connection_count: wire::count(calls.load.connections),
            connection_count_max: wire::count(calls.load.connections_max),
            call_count: wire::count(calls.open),
            calls: calls.ended.into_iter().map(method).collect(),
            part_seconds: part_seconds().collect(),
            lanes: calls.lanes.into_iter().map(lane).collect(),
            replica: replica.map(told),
        }
    }
}

/// A line of Linux's account of this process's memory, in bytes; none on other systems.
pub(super) fn resident(line: &str) -> Option<u64> {
    let account = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = account.lines().find_map(|text| text.strip_prefix(line))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}
