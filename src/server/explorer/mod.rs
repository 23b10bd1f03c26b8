//! The explorer: a page for browsers that looks at tables, and asks the server that sent it as any caller does.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `places.rs` | the places of a map, as bytes alone |
//! | `page/` | the page itself |
//!
//! What is sent is what stands in `page/`: modules of JavaScript, a style sheet, pictures. Nothing is made of
//! them, so whoever compiles the server needs no other tool, and whoever reads the page reads its source. Each
//! file is packed once, when it is first asked for. The page holds nothing secret and needs no key; what it asks
//! for does.

mod places;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue, header};

pub(super) use places::{Places, places_alone};

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    kind: &'static str,
    plain: &'static [u8],
    packed: LazyLock<Packed>,
}

/// A file as it is sent to whoever can unpack it, and the names of both forms.
#[derive(Debug)]
struct Packed {
    /// None if it would not be shorter.
    bytes: Option<Bytes>,
    tag: HeaderValue,
    zipped_tag: HeaderValue,
}

macro_rules! assets {
    ($($name:literal: $kind:ident,)*) => {
        /// Every file, by its path.
        static ASSETS: &[(&str, &Asset)] = &[$((concat!("/explorer/", $name), {
            const PLAIN: &[u8] = include_bytes!(concat!("page/", $name));
            static ASSET: Asset =
                Asset { kind: $kind, plain: PLAIN, packed: LazyLock::new(|| Packed::of(PLAIN)) };
            &ASSET
        })),*];
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

assets! {
    "index.html": HTML,
    "app.css": CSS,
    "icon.svg": SVG,
    "app.js": JS,
    "api.js": JS,
    "arranging.js": JS,
    "dom.js": JS,
    "language.js": JS,
    "state.js": JS,
    "search.js": JS,
    "picture.js": JS,
    "points.js": JS,
    "pixels.js": JS,
    "parts.js": JS,
    "map.js": JS,
    "analogy.js": JS,
    "axis.js": JS,
    "bias.js": JS,
    "compare.js": JS,
    "texts.js": JS,
    "tokens.js": JS,
    "tables.js": JS,
    "jobs.js": JS,
    "intake.js": JS,
    "upload.js": JS,
    "wire.js": JS,
    "health.js": JS,
}

/// The path of the page.
const PAGE: &str = "/";
/// What the paths of its files begin with.
const FOLDER: &str = "/explorer/";

/// Nothing comes from elsewhere, nothing goes elsewhere, no text becomes a script or a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// Whether a path is the page's, or one of its files would be.
pub(super) fn is_page(path: &str) -> bool {
    path == PAGE || path.starts_with(FOLDER)
}

/// The file at a path.
pub(super) fn asset(path: &str) -> Option<&'static Asset> {
    let path = if path == PAGE { "/explorer/index.html" } else { path };
    ASSETS.iter().find(|(of, _)| *of == path).map(|&(_, asset)| asset)
}

impl Packed {
    fn of(plain: &[u8]) -> Self {
        let packed = pack(plain).ok().filter(|packed| packed.len() < plain.len());
        Self {
            bytes: packed.map(Bytes::from),
            tag: tag(plain, ""),
            zipped_tag: tag(plain, "-gzip"),
        }
    }
}

fn pack(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// A name for bytes, as `ETag` has it: other bytes have another one.
fn tag(bytes: &[u8], form: &str) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = format!("\"{:016x}{form}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Whether the caller has what this name stands for.
fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let told = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = told.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
    known.any(|known| {
        let known = known.trim();
        known == "*" || known.trim_start_matches("W/").as_bytes() == tag.as_bytes()
    })
}

/// Whether the caller can unpack.
fn unpacks(headers: &HeaderMap) -> bool {
    let told = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = told.filter_map(|all| all.to_str().ok()).flat_map(|all| all.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

impl Asset {
    /// The head of the answer, and its body; none if the caller has it.
    pub(super) fn answer(&self, asked: &HeaderMap) -> (HeaderMap, Option<Bytes>) {
        let packed = self.packed.bytes.as_ref().filter(|_| unpacks(asked));
        let tag = if packed.is_some() { &self.packed.zipped_tag } else { &self.packed.tag };
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
        headers.insert(header::ETAG, tag.clone());
        if has(asked, tag) {
            return (headers, None);
        }
        let body = packed.cloned().unwrap_or_else(|| Bytes::from_static(self.plain));
        if packed.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, Some(body))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_sent_and_none_names_another_origin() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/explorer/page");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files: BTreeSet<String> = files
            .map(|path| format!("/explorer/{}", path.file_name().unwrap().to_str().unwrap()))
            .collect();
        let sent: BTreeSet<String> = ASSETS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(files, sent);
        for (path, asset) in ASSETS {
            let text = std::str::from_utf8(asset.plain).unwrap();
            // The name of SVG's elements is no address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for foreign in ["http://", "https://", "//cdn", "url(//", "@import"] {
                assert!(!text.contains(foreign), "{path} names another origin: {foreign}");
            }
            for markup in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(markup), "{path}: words are text, never markup: {markup}");
            }
            let modules = text.split("from '").skip(1).filter_map(|rest| rest.split('\'').next());
            for module in modules {
                let name = module.trim_start_matches("./");
                assert!(sent.contains(&format!("/explorer/{name}")), "{path} imports {module}");
            }
        }
    }
    /// What is said by `t('...')` in a file.
    fn said(text: &str) -> Vec<&str> {
        let calls = text.match_indices("t(").filter(|&(at, _)| {
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
        });
        let calls =
            calls.filter_map(|(at, call)| text[at + call.len()..].trim_start().strip_prefix('\''));
        calls.filter_map(|rest| rest.split('\'').next()).collect()
    }

    #[test]
    fn whatever_the_page_says_it_says_in_chinese_too() {
        let file = |name: &str| std::str::from_utf8(asset(name).unwrap().plain).unwrap();
        let chinese = file("/explorer/language.js");
        let mut count = 0;
        for (path, asset) in ASSETS.iter().filter(|(path, _)| path.rsplit('.').next() == Some("js"))
        {
            for english in said(std::str::from_utf8(asset.plain).unwrap()) {
                let is_there = chinese.contains(&format!("\n  '{english}':"))
                    || chinese.contains(&format!("\n  {english}:"));
                assert!(is_there, "{path} says {english:?}, and language.js has no Chinese for it");
                count += 1;
            }
        }
        assert!(count > 300, "{count}");
    }
}
