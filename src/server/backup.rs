//! The conversions of `AdminService`'s jobs: backups, tables brought back, everything read again.

use tonic::{Request, Response, Status};

use crate::engine::backup::{RestoreOptions, RestoreReport};
use crate::engine::job::{JobKind, JobReport, Progress, Unit};
use crate::error::{Error, Result};
use crate::proto as pb;
use crate::server::desk::Desk;
use crate::server::job::{Call, Replies, Run, Told, Work, progress};
use crate::server::status::status;
use crate::server::wire::{self, Fields};
use crate::store::backup::{BackupReport, BackupStatus};
use crate::store::check::{Checked, Damage};
use crate::table::meta::TableName;

/// What tells how far a job is that copies bytes.
fn telling(job: &crate::engine::job::Job) -> impl FnMut(u64, u64) {
    move |done, total| {
        let total = Some(total.max(done));
        job.progress(Progress { unit: Unit::Bytes, done, total, ..Progress::default() });
    }
}

impl Desk {
    pub(super) fn start_alone<W: Work<Part = ()>>(
        &self,
        work: W,
        call: Call,
    ) -> Result<Response<Replies<W::Reply>>, Status> {
        Ok(self.start(work, call).map_err(|error| status(&error))?.replies())
    }
}

/// Every byte read again.
pub(super) struct Verification {
    is_detached: bool,
}

impl Verification {
    pub(super) fn start(
        desk: &Desk,
        request: Request<pb::VerifyRequest>,
    ) -> Result<Response<Replies<pb::VerifyResponse>>, Status> {
        let call = Call::of(&request);
        desk.start_alone(Self { is_detached: request.into_inner().detach }, call)
    }
}

impl Work for Verification {
    const KIND: JobKind = JobKind::Verify;
    type Part = ();
    type Reply = pb::VerifyResponse;

    fn table(&self) -> String {
        String::new()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        run.engine.verify(&mut telling(&run.job)).map(JobReport::Verify)
    }

    fn reply(told: Told<'_>) -> Option<pb::VerifyResponse> {
        use pb::verify_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Report(JobReport::Verify(checked)) => Part::Report(checked.into()),
            Told::Progress(status) => Part::Progress(progress(status)),
            Told::Report(_) => return None,
        };
        Some(pb::VerifyResponse { part: Some(part) })
    }
}

/// A backup that is asked for.
pub(super) struct Backup {
    keep: Option<usize>,
    is_detached: bool,
}

impl Backup {
    pub(super) fn start(
        desk: &Desk,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Replies<pb::BackupResponse>>, Status> {
        let call = Call::of(&request);
        let request = request.into_inner();
        let keep = (request.keep > 0).then_some(request.keep as usize);
        desk.start_alone(Self { keep, is_detached: request.detach }, call)
    }
}

impl Work for Backup {
    const KIND: JobKind = JobKind::Backup;
    type Part = ();
    type Reply = pb::BackupResponse;

    fn table(&self) -> String {
        String::new()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let made = run.engine.back_up(self.keep, &mut telling(&run.job))?;
        Ok(JobReport::Backup(made, run.job.status().run_time))
    }

    fn reply(told: Told<'_>) -> Option<pb::BackupResponse> {
        use pb::backup_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress(status)),
            Told::Report(JobReport::Backup(report, time)) => {
                Part::Report(backed_up(report, time.as_secs_f64()))
            }
            Told::Report(_) => return None,
        };
        Some(pb::BackupResponse { part: Some(part) })
    }
}

/// Tables that are to be brought back.
pub(super) struct Restore {
    options: RestoreOptions,
    is_detached: bool,
}

impl Restore {
    pub(super) fn start(
        desk: &Desk,
        request: Request<pb::RestoreRequest>,
    ) -> Result<Response<Replies<pb::RestoreResponse>>, Status> {
        let call = Call::of(&request);
        let work = Self::try_from(request.into_inner()).map_err(|error| status(&error))?;
        desk.start_alone(work, call)
    }
}

impl TryFrom<pb::RestoreRequest> for Restore {
    type Error = Error;

    fn try_from(request: pb::RestoreRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let mut name = |field: &str, name: String| {
            let name = TableName::try_from(name);
            name.inspect_err(|error| fields.bad(field, error.to_string())).ok()
        };
        let tables = request.tables.into_iter().filter_map(|table| name("tables", table)).collect();
        let new_name = Some(request.new_name).filter(|new| !new.is_empty());
        let new_name = new_name.and_then(|new| name("new_name", new));
        let backup = (request.backup > 0).then_some(request.backup);
        let options = RestoreOptions { backup, tables, new_name, replace: request.replace };
        fields.finish(|| Some(Self { options, is_detached: request.detach }))
    }
}

impl Work for Restore {
    const KIND: JobKind = JobKind::Restore;
    type Part = ();
    type Reply = pb::RestoreResponse;

    fn table(&self) -> String {
        match (&self.options.new_name, &self.options.tables[..]) {
            (Some(name), _) => name.to_string(),
            (None, [table]) => table.to_string(),
            (None, _) => String::new(),
        }
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let done = run.engine.restore(&self.options, &mut telling(&run.job))?;
        Ok(JobReport::Restore(done, run.job.status().run_time))
    }

    fn reply(told: Told<'_>) -> Option<pb::RestoreResponse> {
        use pb::restore_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress(status)),
            Told::Report(JobReport::Restore(report, time)) => {
                Part::Report(restored(report, time.as_secs_f64()))
            }
            Told::Report(_) => return None,
        };
        Some(pb::RestoreResponse { part: Some(part) })
    }
}

/// All of them.
pub(super) struct Backups;

impl TryFrom<pb::ListBackupsRequest> for Backups {
    type Error = Error;

    fn try_from(_: pb::ListBackupsRequest) -> Result<Self> {
        Ok(Self)
    }
}

/// What there is.
pub(super) struct Listed(pub(super) Vec<BackupStatus>);

impl From<Listed> for pb::ListBackupsResponse {
    fn from(Listed(backups): Listed) -> Self {
        let told = |backup: BackupStatus| pb::Backup {
            backup: backup.number,
            made_at: wire::time(backup.made_at),
            tables: backup.tables.iter().map(table).collect(),
            bytes: backup.bytes,
            problem: backup.problem.unwrap_or_default(),
        };
        Self { backups: backups.into_iter().map(told).collect() }
    }
}

fn table((name, row_count): &(TableName, u64)) -> pb::BackedUpTable {
    pb::BackedUpTable { name: name.to_string(), row_count: *row_count }
}

pub(super) fn backed_up(report: &BackupReport, seconds: f64) -> pb::BackupReport {
    pb::BackupReport {
        backup: report.number,
        table_count: wire::count(report.tables),
        bytes: report.bytes,
        new_bytes: report.new_bytes,
        removed_count: wire::count(report.removed),
        problems: report.problems.clone(),
        seconds,
    }
}

pub(super) fn restored(report: &RestoreReport, seconds: f64) -> pb::RestoreReport {
    let names = |names: &[TableName]| names.iter().map(ToString::to_string).collect();
    pb::RestoreReport {
        backup: report.backup,
        tables: report.tables.iter().map(table).collect(),
        tokenizers: names(&report.tokenizers),
        test_sets: names(&report.test_sets),
        models: names(&report.models),
        aliases: names(&report.aliases),
        bytes_read: report.bytes,
        seconds,
    }
}

impl From<&Checked> for pb::VerifyReport {
    fn from(checked: &Checked) -> Self {
        let told = |damage: &Damage| pb::Damage {
            table: damage.table.clone().unwrap_or_default(),
            part: damage.part.clone(),
            problem: damage.problem.clone(),
        };
        Self {
            bytes_read: checked.bytes,
            whole_tables: checked.whole.clone(),
            damages: checked.damages.iter().map(told).collect(),
        }
    }
}
