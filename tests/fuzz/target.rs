//! One libFuzzer program for every target; `$WORDSPACE_FUZZ` names it.

#![no_main]

mod file;
mod guard;
mod question;
mod tokenizer;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<String> =
    LazyLock::new(|| std::env::var("WORDSPACE_FUZZ").unwrap_or_default());

fuzz_target!(|bytes: &[u8]| guard::guarded(|| work(bytes)));

fn work(bytes: &[u8]) {
    match TARGET.as_str() {
        "regex" => question::regex(bytes),
        "text" => question::text(bytes),
        "test-set" => question::test_set(bytes),
        target => match tokenizer::kind(target) {
            Some(kind) => tokenizer::work(kind, bytes),
            None => file::work(target, bytes),
        },
    }
}
