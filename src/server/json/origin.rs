//! Which pages of browsers may ask: those of the origins that the operator named, and no others.
//!
//! A browser asks whatever server a page names, one on the user's own machine too, with whatever that machine is
//! trusted with. It says so: by `Origin`, or by `Sec-Fetch-Site` where it names none.

use tonic::codegen::http::{HeaderMap, HeaderValue, header};

/// The origins of pages that may ask.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Origins {
    all: Vec<String>,
}

/// Headers that pages may send.
const HEADERS: &str = "authorization, content-type, grpc-timeout, x-grpc-web, x-user-agent, \
                       wordspace-min-generation, wordspace-min-sequence";
/// Headers that pages may read.
const SHOWN: &str = "grpc-status, grpc-message, grpc-status-details-bin, retry-after";
/// Seconds for which a browser need not ask again.
const MAX_AGE: &str = "600";

impl Origins {
    /// These, such as `https://app.example.org`; `*` is every one.
    pub(in crate::server) fn new(all: Vec<String>) -> Self {
        Self { all }
    }

    /// The origin of the page that asks, if it is one and may.
    ///
    /// # Errors
    ///
    /// If a page asks that may not; the origin that it tells.
    pub(in crate::server) fn of(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, String> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        if let Some(origin) = headers.get(header::ORIGIN) {
            let told = text(origin);
            let may = self.all.iter().any(|known| known == "*" || *known == told);
            return if may { Ok(Some(origin.clone())) } else { Err(told) };
        }
        match headers.get("sec-fetch-site") {
            // `none`: its user wrote the address.
            Some(site) if site != "none" => Err(format!("a page ({})", text(site))),
            _ => Ok(None),
        }
    }
}

/// Tells a browser that the page may read the answer.
pub(in crate::server) fn allow(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// Tells a browser what the page may send.
pub(in crate::server) fn allow_requests(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
