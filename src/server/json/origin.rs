//! Which pages of browsers may ask: the server's own, and those of the origins that the operator named.
//!
//! A browser asks whatever server a page names, one on the user's own machine too, with whatever that machine is
//! trusted with. It says so: by `Origin`, or by `Sec-Fetch-Site` where it names none.
//!
//! The server's own page is one whose origin is the address that was asked. A name proves nothing there: whoever
//! owns `example.org` may let it stand for 127.0.0.1 once his page is loaded. So where neither a certificate nor a key
//! tells such a page apart, only addresses that nobody can point elsewhere are the server's own: numbers, and
//! localhost.

use std::net::IpAddr;

use tonic::codegen::http::request::Parts;
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

    /// The origin of the page that asks, if it is another server's and may. `is_guarded`: whether a certificate or a
    /// key keeps pages out that only have a name for this server.
    ///
    /// # Errors
    ///
    /// If a page asks that may not; the origin that it tells.
    pub(in crate::server) fn of(
        &self,
        head: &Parts,
        is_guarded: bool,
    ) -> Result<Option<HeaderValue>, String> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_named = |origin: &str| self.all.iter().any(|known| known == "*" || known == origin);
        let asked = authority(head);
        let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let own = |asked: &str| {
            let named =
                || ["http://", "https://"].iter().any(|at| is_named(&format!("{at}{asked}")));
            if is_guarded || is_fixed(asked) || named() {
                Ok(None)
            } else {
                Err(format!("http://{asked}"))
            }
        };
        if let Some(origin) = head.headers.get(header::ORIGIN) {
            let told = text(origin);
            if is_named(&told) {
                return Ok(Some(origin.clone()));
            }
            let of = told.split_once("://").map(|(_, of)| of);
            // A page in the clear and a server above TLS may have one address, and are two origins.
            let is_told_same = site.is_none_or(|site| site == b"same-origin");
            let is_same =
                |asked: &&str| is_told_same && of.is_some_and(|of| of.eq_ignore_ascii_case(asked));
            return match asked.filter(is_same) {
                Some(asked) => own(asked),
                None => Err(told),
            };
        }
        match site {
            // Its user wrote the address.
            Some(b"none") => Ok(None),
            Some(b"same-origin") => own(asked.unwrap_or_default()),
            Some(site) => Err(format!("a page ({})", String::from_utf8_lossy(site))),
            // To an address without TLS that is not this machine's a browser does not say which page asks.
            None if is_browser(&head.headers) => own(asked.unwrap_or_default()),
            None => Ok(None),
        }
    }
}

/// The server that was asked, as the caller names it.
fn authority(head: &Parts) -> Option<&str> {
    let told = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    head.uri.authority().map(tonic::codegen::http::uri::Authority::as_str).or(told)
}

/// Whether nobody can let this stand for another server than it does.
fn is_fixed(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok()
}

/// Whether a browser asks: every one says so, and no page can let it say otherwise.
fn is_browser(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
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

#[cfg(test)]
mod tests {
    use tonic::codegen::http::Request;

    use super::*;

    #[test]
    fn a_page_asks_its_own_server_unless_only_a_name_says_so() {
        let of = |headers: &[(&str, &str)], is_guarded: bool| {
            let mut request = Request::get("/v1/tables");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let parts = request.body(()).unwrap().into_parts().0;
            Origins::new(vec!["https://app.example.org".to_owned()]).of(&parts, is_guarded)
        };
        let (host, origin, site) = ("host", "origin", "sec-fetch-site");
        let agent = ("user-agent", "Mozilla/5.0 (X11)");
        for own in ["127.0.0.1:50051", "localhost:50051", "LOCALHOST", "[::1]:50051", "10.0.0.7"] {
            let page = format!("http://{own}");
            assert_eq!(of(&[(host, own), (origin, &page)], false), Ok(None), "{own}");
            assert_eq!(of(&[(host, own), (site, "same-origin")], false), Ok(None), "{own}");
            assert_eq!(of(&[(host, own), agent], false), Ok(None), "{own}");
            let other = of(&[(host, own), (origin, "http://evil.example")], false);
            assert_eq!(other, Err("http://evil.example".to_owned()));
        }
        // A name that its owner may let stand for this machine.
        let named = (host, "evil.example:50051");
        for told in [(origin, "http://evil.example:50051"), (site, "same-origin"), agent] {
            assert_eq!(of(&[named, told], false), Err("http://evil.example:50051".to_owned()));
            assert_eq!(of(&[named, told], true), Ok(None), "it has no key, or no certificate");
        }
        assert!(of(&[(host, "127.0.0.1:1"), (origin, "http://127.0.0.1:2")], true).is_err());
        assert!(of(&[(host, "127.0.0.1:1"), (site, "cross-site")], true).is_err());
        assert!(of(&[(host, "x"), (origin, "null")], true).is_err());
        let (clear, name) = ((origin, "http://words.example"), (host, "words.example"));
        assert!(of(&[name, clear, (site, "cross-site")], true).is_err(), "it asks above TLS");
        assert_eq!(of(&[name, clear, (site, "same-origin")], true), Ok(None));
        assert_eq!(of(&[named], false), Ok(None), "no browser");
        let app = (origin, "https://app.example.org");
        assert_eq!(of(&[named, app], false).unwrap().unwrap(), "https://app.example.org");
        let own_name = (host, "app.example.org");
        assert_eq!(
            of(&[own_name, (site, "same-origin")], false),
            Ok(None),
            "the operator named it"
        );
    }
}
