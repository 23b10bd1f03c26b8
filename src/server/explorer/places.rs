//! The places of a map, as bytes alone: a browser reads them without taking a message apart.

use prost::Message as _;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue, header};

use crate::error::{Error, ErrorKind, Result};
use crate::proto as pb;
use crate::server::explorer::{has, tag};

/// An answer of bytes alone.
#[derive(Debug)]
pub(in crate::server) struct Places {
    pub(in crate::server) headers: HeaderMap,
    /// None if the caller has them.
    pub(in crate::server) body: Option<Bytes>,
}

/// What a `MapResponse` has of places.
///
/// # Errors
///
/// If it is none.
pub(in crate::server) fn places_alone(message: &[u8], asked: &HeaderMap) -> Result<Places> {
    let map = pb::MapResponse::decode(message);
    let map = map.map_err(|error| Error::caused(ErrorKind::Internal, error))?;
    let (tag, state) = (tag(&map.places, ""), map.answer.unwrap_or_default());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    // Whoever has them asks whether they are still the same; others may not have them for him.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert("wordspace-generation", state.generation.into());
    headers.insert("wordspace-sequence", state.sequence.into());
    let body = (!has(asked, &tag)).then(|| Bytes::from(map.places));
    headers.insert(header::ETAG, tag);
    Ok(Places { headers, body })
}
