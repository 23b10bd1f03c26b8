//! Whether a server answers.

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::client::Client;
use crate::client::error::Result;

impl Client {
    /// Whether the server says that it answers, or that a service such as `wordspace.v1.SearchService` does; the empty
    /// name stands for all of it. This needs no key.
    ///
    /// # Errors
    ///
    /// As every call; `NOT_FOUND` if there is no such service.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// if client.is_ready("").await? {
    ///     println!("it answers");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn is_ready(&self, service: &str) -> Result<bool> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = self.answer(self.health.clone().check(request).await)?;
        Ok(answer.status() == ServingStatus::Serving)
    }
}
