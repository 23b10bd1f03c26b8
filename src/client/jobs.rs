//! Long work of the server, followed to its end.

use tonic::Streaming;

use crate::client::Client;
use crate::client::error::{CallError, Result};
use crate::client::replies::{JobReply, Told};
use crate::proto::{
    ArrangeMapReport, ArrangeMapRequest, BackupReport, BackupRequest, DebiasProgress, DebiasReport,
    DebiasRequest, ImportProgress, ImportReport, Job, JobProgress, MergeTablesRequest,
    RestoreReport, RestoreRequest, VerifyReport, VerifyRequest, WatchJobRequest,
};

impl Client {
    /// Reads the replies of a job to its report.
    pub(super) async fn follow<R: JobReply>(
        &self,
        mut replies: Streaming<R>,
        mut on_progress: impl FnMut(&R::Progress) + Send,
    ) -> Result<R::Report> {
        let lost = |problem| CallError::Lost { url: self.url.to_string(), problem };
        while let Some(reply) = replies.message().await.map_err(|status| self.error(&status))? {
            match reply.told() {
                Some(Told::Started(job)) if job.may_leave => {
                    return Err(CallError::Detached(job.id));
                }
                Some(Told::Started(_)) | None => {}
                Some(Told::Progress(now)) => on_progress(&now),
                Some(Told::Report(report)) => return Ok(report),
            }
        }
        Err(lost("the job ended without a report".to_owned()))
    }

    /// Tells of a job at once, while it changes, and at its end, with what came of it.
    ///
    /// # Errors
    ///
    /// As every call. That the job itself failed is no error: see [`Job::error`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// let last = client.watch_job(7, |job| println!("{:?}", job.state())).await?;
    /// if let Some(error) = last.error {
    ///     println!("it failed: {}", error.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn watch_job(&self, id: u64, mut on_change: impl FnMut(&Job) + Send) -> Result<Job> {
        let replies = self.jobs.clone().watch_job(WatchJobRequest { id }).await;
        let mut replies = self.answer(replies)?;
        let mut last = Job::default();
        while let Some(reply) = replies.message().await.map_err(|status| self.error(&status))? {
            last = reply.job.unwrap_or_default();
            on_change(&last);
        }
        Ok(last)
    }

    /// Has every byte of the server's tables read again.
    ///
    /// # Errors
    ///
    /// As every call. Damage is no error: it is in the report.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::VerifyRequest;
    ///
    /// let report = client.verify(VerifyRequest::default(), |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(
        &self,
        request: VerifyRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<VerifyReport> {
        let answers = self.answer(self.admin.clone().verify(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Has everything kept where the server's backups are.
    ///
    /// # Errors
    ///
    /// As every call. What could not be kept is in the report.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::BackupRequest;
    ///
    /// let request = BackupRequest { keep: 7, ..BackupRequest::default() };
    /// let report = client.backup(request, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn backup(
        &self,
        request: BackupRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<BackupReport> {
        let answers = self.answer(self.admin.clone().backup(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Brings tables of a backup back.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::RestoreRequest;
    ///
    /// let request = RestoreRequest { backup: 3, ..RestoreRequest::default() };
    /// client.restore(request, |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restore(
        &self,
        request: RestoreRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<RestoreReport> {
        let answers = self.answer(self.admin.clone().restore(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Arranges a table's words by their neighbors for its map, telling progress on the way.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::ArrangeMapRequest;
    ///
    /// let request = ArrangeMapRequest { table: "en".to_owned(), ..ArrangeMapRequest::default() };
    /// let report = client.arrange_map(request, |now| println!("{} rows", now.done)).await?;
    /// println!("{} words have a place", report.placed_count);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn arrange_map(
        &self,
        request: ArrangeMapRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<ArrangeMapReport> {
        let answers = self.answer(self.tables.clone().arrange_map(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Makes a table of the rows of others, telling progress on the way.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::MergeTablesRequest;
    ///
    /// let request = MergeTablesRequest {
    ///     target: "all".to_owned(),
    ///     tables: vec!["en".to_owned(), "fr".to_owned()],
    ///     ..MergeTablesRequest::default()
    /// };
    /// let report = client.merge_tables(request, |now| println!("{} rows", now.rows_read)).await?;
    /// println!("{} rows", report.rows_kept);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn merge_tables(
        &self,
        request: MergeTablesRequest,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let answers = self.answer(self.transfer.clone().merge_tables(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Makes a new table with less of a bias, telling progress on the way.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::DebiasRequest;
    ///
    /// let request = DebiasRequest {
    ///     table: "en".to_owned(),
    ///     target: "en-debiased".to_owned(),
    ///     ..DebiasRequest::default()
    /// };
    /// client.debias(request, |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn debias(
        &self,
        request: DebiasRequest,
        on_progress: impl FnMut(&DebiasProgress) + Send,
    ) -> Result<DebiasReport> {
        let answers = self.answer(self.bias.clone().debias(request).await)?;
        self.follow(answers, on_progress).await
    }
}
