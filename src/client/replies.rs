//! What the replies of jobs tell.

use crate::proto as pb;

/// A reply of a stream that started a job.
pub(super) trait JobReply: Sized {
    type Progress;
    type Report;

    /// What it tells; none if this client does not know it.
    fn told(self) -> Option<Told<Self::Progress, Self::Report>>;
}

/// What a reply tells.
pub(super) enum Told<P, R> {
    Started(pb::JobStarted),
    Progress(P),
    Report(R),
}

/// Spells out what each of the reply messages tells.
macro_rules! job_replies {
    ($($reply:ident, $part:ident: $progress:ident, $report:ident;)+) => {$(
        impl JobReply for pb::$reply {
            type Progress = pb::$progress;
            type Report = pb::$report;

            fn told(self) -> Option<Told<pb::$progress, pb::$report>> {
                Some(match self.part? {
                    pb::$part::Part::Job(job) => Told::Started(job),
                    pb::$part::Part::Progress(progress) => Told::Progress(progress),
                    pb::$part::Part::Report(report) => Told::Report(report),
                })
            }
        }
    )+};
}

job_replies! {
    ImportResponse, import_response: ImportProgress, ImportReport;
    ImportTextsResponse, import_texts_response: ImportProgress, ImportTextsReport;
    TrainTokenizerResponse, train_tokenizer_response: TrainProgress, TrainReport;
    TrainTableResponse, train_table_response: TrainTableProgress, TrainTableReport;
    TrainModelResponse, train_model_response: ModelProgress, TrainModelReport;
    ImportModelResponse, import_model_response: ModelProgress, ImportModelReport;
    CompareSmoothingsResponse, compare_smoothings_response: ModelProgress, CompareSmoothingsReport;
    MergeTablesResponse, merge_tables_response: ImportProgress, ImportReport;
    ArrangeMapResponse, arrange_map_response: JobProgress, ArrangeMapReport;
    DebiasResponse, debias_response: DebiasProgress, DebiasReport;
    VerifyResponse, verify_response: JobProgress, VerifyReport;
    BackupResponse, backup_response: JobProgress, BackupReport;
    RestoreResponse, restore_response: JobProgress, RestoreReport;
}
