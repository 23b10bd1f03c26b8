//! Who may call: keys, what each may do, and the account of it.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `rules.rs` | the one table of methods, roles and what they reach |
//! | `keys.rs` | the file of keys, which has their hashes |
//! | `pattern.rs` | patterns of table names |
//! | `pace.rs` | calls a second |
//! | `caller.rs` | which call it is, and where it comes from |
//! | `throttle.rs` | so many entries of a log in a second |
//! | `audit.rs` | the account of writes and refusals |
//!
//! A call is looked at once, by its path and headers, before any of it is read (`Access::admit`); what comes of
//! it, its `Grant`, looks at each message before anybody takes it apart, for the tables that it names.

mod audit;
mod caller;
mod keys;
mod pace;
mod pattern;
mod rules;
mod throttle;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tonic::codegen::http::HeaderMap;

pub(super) use crate::server::access::caller::{Address, Called};
pub(super) use crate::server::access::keys::digits;
pub use crate::server::access::keys::{KeyEntry, KeyFile, NewKey, now};
pub use crate::server::access::rules::Role;

use crate::engine::Fence;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::access::audit::{Audit, Entry};
use crate::server::access::keys::{hash_of, id_of};
use crate::server::access::pace::Pace;
use crate::server::access::pattern::Pattern;
pub(super) use crate::server::access::rules::{Reach, changes, paths, rule};
pub(super) use crate::server::access::throttle::Throttle;

use crate::server::access::rules::Rule;

/// Whether the method at this path only reads.
pub(super) fn is_read(path: &str) -> bool {
    rule(path).is_some_and(|rule| rule.role == Role::Read)
}

/// Tables of one call that the account names.
const TOLD: usize = 8;

/// Who may call.
#[derive(Debug)]
pub(super) struct Access {
    file: KeyFile,
    keys: RwLock<Arc<Keys>>,
    audit: Audit,
    /// Whether what is stored may be changed at all, once that is known.
    fence: OnceLock<Arc<Fence>>,
}

/// The keys in force.
#[derive(Debug, Default)]
struct Keys {
    /// Whether there is no file of keys: then nobody needs one.
    is_open: bool,
    by_id: HashMap<String, Arc<Holder>>,
    by_certificate: HashMap<String, Arc<Holder>>,
}

/// Who holds a key.
#[derive(Debug)]
struct Holder {
    entry: KeyEntry,
    hash: Option<[u8; 32]>,
    tables: Vec<Pattern>,
    pace: Option<Pace>,
    jobs: Arc<AtomicUsize>,
    /// Whether the key is no longer in the file as it was.
    is_gone: AtomicBool,
}

impl Holder {
    fn new(entry: KeyEntry, jobs: Arc<AtomicUsize>) -> Result<Self> {
        let hash = entry.hash();
        let tables: Result<Vec<_>> = entry.tables.iter().map(|text| Pattern::read(text)).collect();
        let (tables, pace) = (tables?, entry.calls_per_second.map(Pace::new));
        Ok(Self { hash, tables, pace, jobs, is_gone: AtomicBool::new(false), entry })
    }

    fn check_in_force(&self) -> Result<()> {
        if self.entry.revoked_at.is_some() {
            return Err(unknown("the key is revoked"));
        }
        // Whoever changed the file may have meant this call, too.
        if self.is_gone.load(Ordering::Relaxed) {
            return Err(unknown("the key was changed or revoked while the call went on"));
        }
        if !self.entry.is_in_force(now()) {
            return Err(unknown("the key has expired"));
        }
        Ok(())
    }

    fn sees(&self, table: &[u8]) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|pattern| pattern.fits(table))
    }
}

fn unknown(because: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated { because })
}

fn forbidden(because: impl Into<String>) -> Error {
    Error::new(ErrorKind::Forbidden { because: because.into() })
}

/// Compares hashes in a time that does not depend on where they differ.
fn is_same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| std::hint::black_box(differ | (a ^ b)));
    differ == 0
}

/// The key that a call brings; none if it brings none.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut all = headers.get_all("authorization").iter();
    let Some(header) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(unknown("the call brings `authorization` twice"));
    }
    let malformed = || unknown("`authorization` is not `Bearer KEY`");
    let (scheme, key) =
        header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed());
    }
    Ok(Some(key.trim()))
}

impl Access {
    /// Reads the keys.
    pub(super) fn open(file: KeyFile, audit: Option<PathBuf>) -> Result<Arc<Self>> {
        let keys = Keys::of(file.read()?, &Keys::default())?;
        let audit = Audit::open(audit)?;
        let fence = OnceLock::new();
        Ok(Arc::new(Self { file, keys: RwLock::new(Arc::new(keys)), audit, fence }))
    }

    /// Asks this from now on whether what is stored may be changed.
    pub(super) fn set_fence(&self, fence: Arc<Fence>) {
        // There is one engine.
        let _ = self.fence.set(fence);
    }

    /// Whether calls need no key.
    pub(super) fn is_open(&self) -> bool {
        self.keys.read().is_open
    }

    /// Reads the keys again. What cannot be read changes nothing, and a file that is gone lets nobody
    /// in who needed a key before.
    pub(super) fn reload(&self) {
        let before = Arc::clone(&self.keys.read());
        let read = self.file.read().and_then(|entries| {
            if entries.is_none() && !before.is_open {
                let problem = "the file of keys is gone";
                return Err(Error::invalid(self.file.path().display().to_string(), problem));
            }
            Keys::of(entries, &before)
        });
        match read {
            Ok(keys) => {
                let count = keys.all().count();
                for old in before.all() {
                    let is_kept = keys.all().any(|new| Arc::ptr_eq(new, old));
                    old.is_gone.store(!is_kept, Ordering::Relaxed);
                }
                *self.keys.write() = Arc::new(keys);
                tracing::info!(count, "the keys were read again");
            }
            Err(error) => tracing::error!(%error, "the keys stay as they were"),
        }
    }

    /// Where the keys are.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// What a call may do, by its path, its headers, and the names in its certificate: before any of it is read.
    pub(super) fn admit(
        &self,
        path: &str,
        headers: &HeaderMap,
        certificates: &[String],
    ) -> Result<Grant, Refused> {
        let mut grant = Grant { holder: None, rule: rule(path) };
        let checked = self.check(headers, certificates, &mut grant);
        let may_change = || match self.fence.get() {
            Some(fence) if changes(path) => fence.check(),
            Some(_) | None => Ok(()),
        };
        match checked.and_then(|()| may_change()) {
            Ok(()) => Ok(grant),
            Err(error) => Err(Refused { error, grant }),
        }
    }

    fn check(&self, headers: &HeaderMap, certificates: &[String], grant: &mut Grant) -> Result<()> {
        let keys = Arc::clone(&self.keys.read());
        let rule = grant.rule;
        if keys.is_open || rule.is_some_and(|rule| rule.reach == Reach::Open) {
            return Ok(());
        }
        let holder = match bearer(headers)? {
            Some(key) => {
                let holder = id_of(key).and_then(|id| keys.by_id.get(id));
                let is_right = |holder: &&Arc<Holder>| {
                    holder.hash.is_some_and(|hash| is_same(&hash, &hash_of(key)))
                };
                holder.filter(is_right).ok_or_else(|| unknown("the key is not known"))?
            }
            None if certificates.is_empty() => {
                return Err(unknown("send `authorization: Bearer KEY`"));
            }
            None => certificates
                .iter()
                .find_map(|name| keys.by_certificate.get(name))
                .ok_or_else(|| unknown("no name in the client's certificate is known"))?,
        };
        grant.holder = Some(Arc::clone(holder));
        holder.check_in_force()?;
        // An unknown method is for nobody, and the router tells so.
        let Some(rule) = rule else { return Ok(()) };
        if holder.entry.role < rule.role {
            let (has, needs) = (holder.entry.role.name(), rule.role.name());
            return Err(forbidden(format!("this needs the role {needs}; the key has {has}")));
        }
        if rule.reach == Reach::Shared && grant.is_limited() {
            let because = "this is for keys of all tables; the key is for some";
            return Err(forbidden(because));
        }
        if let Some(Err(wait)) = holder.pace.as_ref().map(Pace::take) {
            return Err(Error::new(ErrorKind::RateLimited { limit: "calls a second", wait }));
        }
        Ok(())
    }

    /// Tells the account that a call was refused.
    pub(super) fn refused(&self, called: &Called<'_>, grant: &Grant, error: &Error) {
        let because = error.to_string();
        let code = if matches!(error.kind(), ErrorKind::Unauthenticated { .. }) {
            "UNAUTHENTICATED"
        } else if matches!(error.kind(), ErrorKind::Forbidden { .. }) {
            "PERMISSION_DENIED"
        } else if matches!(error.kind(), ErrorKind::RateLimited { .. }) {
            "RESOURCE_EXHAUSTED"
        } else {
            return;
        };
        let request = called.request.to_string();
        let entry =
            Entry { code, because: Some(&because), ..Entry::new("refusal", called, &request) };
        self.tell(grant, entry);
    }

    /// Tells the account what came of a write.
    pub(super) fn written(&self, called: &Called<'_>, grant: &Grant, done: &Done<'_>) {
        if grant.rule.is_none_or(|rule| rule.role == Role::Read) {
            return;
        }
        // Where nobody needs a key there is nobody to name, unless somebody wants to know.
        if grant.holder.is_none() && !self.audit.has_file() {
            return;
        }
        let milliseconds = u64::try_from(done.took.as_millis()).unwrap_or(u64::MAX);
        let request = called.request.to_string();
        let entry = Entry {
            code: done.code,
            tables: done.tables,
            milliseconds,
            ..Entry::new("write", called, &request)
        };
        self.tell(grant, entry);
    }

    fn tell<'a>(&self, grant: &'a Grant, mut entry: Entry<'a>) {
        if let Some(holder) = &grant.holder {
            entry.key = Some(&holder.entry.name);
            entry.id = Some(&holder.entry.id);
        }
        self.audit.tell(entry);
    }
}

/// A call that is refused before it is read, and what is known of its caller.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: Error,
    pub(super) grant: Grant,
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Done<'a> {
    pub(super) took: Duration,
    pub(super) code: &'a str,
    pub(super) tables: &'a [String],
}

impl Keys {
    fn of(entries: Option<Vec<KeyEntry>>, before: &Self) -> Result<Self> {
        let Some(entries) = entries else { return Ok(Self { is_open: true, ..Self::default() }) };
        let mut keys = Self::default();
        for entry in entries {
            let old = before.all().find(|old| old.entry.id == entry.id);
            let holder = match old {
                // With the calls that it made already.
                Some(old) if old.entry == entry => Arc::clone(old),
                old => {
                    let jobs = old.map(|old| Arc::clone(&old.jobs)).unwrap_or_default();
                    Arc::new(Holder::new(entry, jobs)?)
                }
            };
            match holder.entry.certificate.clone() {
                // The last entry of a name is the one that counts, as in `KeyFile`.
                Some(name) => keys.by_certificate.insert(name, holder),
                None => keys.by_id.insert(holder.entry.id.clone(), holder),
            };
        }
        Ok(keys)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Holder>> {
        self.by_id.values().chain(self.by_certificate.values())
    }
}

/// What a call may do.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    /// None if nobody needs a key.
    holder: Option<Arc<Holder>>,
    /// None if there is no such method.
    rule: Option<Rule>,
}

impl Grant {
    /// Whether it may name some tables only.
    pub(super) fn is_limited(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| !holder.tables.is_empty())
    }

    /// Whether it may name this table.
    pub(super) fn sees(&self, table: &str) -> bool {
        self.holder.as_ref().is_none_or(|holder| holder.sees(table.as_bytes()))
    }

    /// Who calls, by the name of the key.
    pub(super) fn holder(&self) -> Option<&str> {
        self.holder.as_ref().map(|holder| holder.entry.name.as_str())
    }

    /// What it may do with one of many questions, by the path of the method that the question would be for.
    pub(super) fn of_question(&self, path: &str) -> Result<Self> {
        let rule = rule(path);
        let may = self.holder.as_ref().zip(rule).is_none_or(|(holder, rule)| {
            holder.entry.role >= rule.role && (rule.reach != Reach::Shared || !self.is_limited())
        });
        if !may {
            return Err(forbidden("the key is not for this question"));
        }
        Ok(Self { holder: self.holder.clone(), rule })
    }

    /// Looks at a message before anybody takes it apart.
    pub(super) fn check(&self, named: &Named) -> Result<()> {
        let Some(holder) = &self.holder else { return Ok(()) };
        holder.check_in_force()?;
        let is_looked_at_later = self.rule.is_some_and(|rule| rule.reach == Reach::Each);
        if holder.tables.is_empty() || is_looked_at_later {
            return Ok(());
        }
        if named.is_unreadable {
            return Err(forbidden("which tables the message names cannot be told"));
        }
        match named.tables.iter().find(|table| !holder.sees(table.as_bytes())) {
            Some(table) => Err(forbidden(format!("the key is not for the table \"{table}\""))),
            None => Ok(()),
        }
    }

    /// Counts messages of a stream of questions that came; how long until the next may come.
    pub(super) fn owe(&self, messages: u64) -> Duration {
        let pace = self.holder.as_ref().and_then(|holder| holder.pace.as_ref());
        pace.map_or(Duration::ZERO, |pace| pace.owe(messages))
    }

    /// A place for a job of this caller.
    pub(super) fn job(&self) -> Result<JobPlace> {
        let Some(holder) = &self.holder else { return Ok(JobPlace(None)) };
        let place = JobPlace(Some(Arc::clone(&holder.jobs)));
        // Only a count: nothing else is read or written by its order.
        let before = holder.jobs.fetch_add(1, Ordering::Relaxed);
        match holder.entry.jobs {
            Some(max) if before >= max as usize => {
                let wait = limits::JOB_RETRY;
                Err(Error::new(ErrorKind::RateLimited { limit: "jobs at once", wait }))
            }
            _ => Ok(place),
        }
    }
}

/// A caller's job, until it is dropped.
#[derive(Debug)]
pub(super) struct JobPlace(Option<Arc<AtomicUsize>>);

impl Drop for JobPlace {
    fn drop(&mut self) {
        if let Some(jobs) = &self.0 {
            jobs.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The tables that a message names.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) tables: Vec<String>,
    /// Whether it may name others: it is too long a list, or no message.
    pub(super) is_unreadable: bool,
}

/// The tables that a call named, for the account.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(super) fn add(&self, named: &Named) {
        let mut told = self.0.lock();
        for table in &named.tables {
            if told.len() < TOLD && !told.contains(table) {
                told.push(table.clone());
            }
        }
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &str = "/wordspace.v1.SearchService/Nearest";
    const PUT: &str = "/wordspace.v1.TableService/PutVectors";
    const BACKUP: &str = "/wordspace.v1.AdminService/Backup";
    const TRAIN: &str = "/wordspace.v1.TextService/TrainTokenizer";
    const HEALTH: &str = "/grpc.health.v1.Health/Check";

    fn new(name: &str, role: Role, tables: &[&str]) -> NewKey {
        NewKey {
            name: name.to_owned(),
            role,
            tables: tables.iter().map(|&table| table.to_owned()).collect(),
            lifetime: None,
            calls_per_second: None,
            jobs: None,
            certificate: None,
        }
    }

    fn headers(key: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", key.parse().unwrap());
        headers
    }

    fn named(tables: &[&str]) -> Named {
        let tables = tables.iter().map(|&table| table.to_owned()).collect();
        Named { tables, is_unreadable: false }
    }

    fn told(result: Result<Grant, Refused>) -> &'static str {
        match result.map_err(|refused| refused.error.kind().clone()) {
            Ok(_) => "ok",
            Err(ErrorKind::Unauthenticated { .. }) => "unknown",
            Err(ErrorKind::Forbidden { .. }) => "forbidden",
            Err(ErrorKind::RateLimited { .. }) => "limited",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_file_of_keys_all_may_call_and_with_one_only_who_has_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(folder.path());
        let access = Access::open(file.clone(), None).unwrap();
        let none = HeaderMap::new();
        for path in [ASK, PUT, BACKUP, HEALTH] {
            assert_eq!(told(access.admit(path, &none, &[])), "ok");
        }
        let key = file.make(new("app", Role::Write, &[])).unwrap().0.unwrap();
        access.reload();
        let asked = |path, header: &str| told(access.admit(path, &headers(header), &[]));
        assert_eq!(told(access.admit(HEALTH, &none, &[])), "ok", "probes bring no key");
        assert_eq!(told(access.admit(ASK, &none, &[])), "unknown");
        for (path, expected) in [(ASK, "ok"), (PUT, "ok"), (TRAIN, "ok"), (BACKUP, "forbidden")] {
            assert_eq!(asked(path, &format!("Bearer {key}")), expected, "{path}");
        }
        let other = format!("{}{}", &key[..key.len() - 1], u8::from(key.ends_with('0')));
        for wrong in [
            &format!("Basic {key}"),
            &key,
            "Bearer",
            "Bearer ",
            "Bearer ws_",
            "Bearer ws__",
            &format!("Bearer {}", &key[..key.len() - 1]),
            &format!("Bearer {key}0"),
            &format!("Bearer {}", key.to_uppercase()),
            &format!("Bearer {other}"),
        ] {
            assert_eq!(asked(ASK, wrong), "unknown", "{wrong}");
        }
        let mut twice = headers(&format!("Bearer {key}"));
        twice.append("authorization", format!("Bearer {key}").parse().unwrap());
        assert_eq!(told(access.admit(ASK, &twice, &[])), "unknown");
        assert_eq!(asked("/wordspace.v1.SearchService/No", &format!("Bearer {key}")), "ok");
        let unknown = "/wordspace.v1.SearchService/No";
        assert_eq!(told(access.admit(unknown, &none, &[])), "unknown");
    }

    #[test]
    fn a_revoked_key_ends_a_stream_and_a_lost_file_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(folder.path());
        let key = file.make(new("app", Role::Read, &[])).unwrap().0.unwrap();
        file.make(new("other", Role::Read, &[])).unwrap();
        let access = Access::open(file.clone(), None).unwrap();
        let bearer = headers(&format!("Bearer {key}"));
        let grant = access.admit(ASK, &bearer, &[]).unwrap();
        grant.check(&named(&["en"])).unwrap();
        file.revoke("other").unwrap();
        access.reload();
        grant.check(&named(&["en"])).unwrap();
        file.revoke("app").unwrap();
        access.reload();
        assert!(matches!(
            grant.check(&named(&["en"])).unwrap_err().kind(),
            ErrorKind::Unauthenticated { .. }
        ));
        assert_eq!(told(access.admit(ASK, &bearer, &[])), "unknown");
        std::fs::remove_file(file.path()).unwrap();
        access.reload();
        assert_eq!(told(access.admit(ASK, &HeaderMap::new(), &[])), "unknown");
        std::fs::File::create(file.path()).unwrap();
        access.reload();
        assert_eq!(told(access.admit(ASK, &HeaderMap::new(), &[])), "unknown");
        assert!(Access::open(file, None).is_err(), "and a server does not start with it");
    }

    #[test]
    fn a_key_of_some_tables_names_no_other_and_changes_nothing_that_all_share() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(folder.path());
        let key = file.make(new("app", Role::Admin, &["en-*", "live"])).unwrap().0.unwrap();
        let access = Access::open(file, None).unwrap();
        let bearer = headers(&format!("bearer {key}"));
        for shared in [TRAIN, BACKUP, "/wordspace.v1.AdminService/GetStatus"] {
            assert_eq!(told(access.admit(shared, &bearer, &[])), "forbidden", "{shared}");
        }
        let grant = access.admit(PUT, &bearer, &[]).unwrap();
        assert!(grant.is_limited() && grant.sees("en-1") && grant.sees("live"));
        assert!(!grant.sees("de") && !grant.sees("lively") && !grant.sees(""));
        grant.check(&named(&["en-1", "live"])).unwrap();
        grant.check(&named(&[])).unwrap();
        for tables in [&["de"][..], &["en-1", "de"]] {
            let error = grant.check(&named(tables)).unwrap_err();
            assert!(error.to_string().contains("\"de\""), "{error}");
        }
        grant.check(&Named { tables: Vec::new(), is_unreadable: true }).unwrap_err();
    }

    #[test]
    fn a_key_has_its_limits_and_a_certificate_may_stand_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(folder.path());
        let limits =
            NewKey { calls_per_second: Some(3), jobs: Some(2), ..new("app", Role::Write, &[]) };
        let key = file.make(limits).unwrap().0.unwrap();
        let name = Some("app.example".to_owned());
        let certificate = NewKey { certificate: name, ..new("mutual", Role::Read, &[]) };
        assert!(file.make(certificate).unwrap().0.is_none());
        let access = Access::open(file.clone(), None).unwrap();
        let bearer = headers(&format!("Bearer {key}"));
        let asked: Vec<_> = (0..5).map(|_| told(access.admit(PUT, &bearer, &[]))).collect();
        assert_eq!(asked[..3], ["ok"; 3]);
        assert_eq!(asked[4], "limited");
        file.make(new("third", Role::Read, &[])).unwrap();
        access.reload();
        assert_eq!(
            told(access.admit(PUT, &bearer, &[])),
            "limited",
            "reading again forgives nothing"
        );

        let names = ["other.example".to_owned(), "app.example".to_owned()];
        let none = HeaderMap::new();
        assert_eq!(told(access.admit(ASK, &none, &names)), "ok");
        assert_eq!(told(access.admit(PUT, &none, &names)), "forbidden");
        assert_eq!(told(access.admit(ASK, &none, &names[..1])), "unknown");
        assert_eq!(told(access.admit(ASK, &headers("Bearer x"), &names)), "unknown");

        let grant = access.admit(ASK, &none, &names).unwrap();
        let places: Vec<_> = (0..9).map(|_| grant.job().unwrap()).collect();
        assert_eq!(places.len(), 9, "no limit was given");
    }
}
