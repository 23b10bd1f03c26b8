//! The checked-in Rust is what the proto files say. After a change of theirs:
//! `WORDSPACE_ACCEPT=1 cargo test -p wordspace-proto`.
#![expect(
    clippy::disallowed_methods,
    reason = "what is written here is made again where it is not whole"
)]

use std::fs;
use std::path::Path;

use prost::Message as _;

const CODE: &str = "wordspace.v1.rs";
/// The descriptors with the comments, for reflection and JSON.
const DESCRIPTORS: &str = "wordspace.v1.binpb";

#[test]
fn the_code_is_what_the_proto_files_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = fs::read_dir(root.join("wordspace/v1"))
        .unwrap()
        .map(|file| format!("wordspace/v1/{}", file.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort_unstable();
    let descriptors = protox::compile(files, [root]).unwrap();

    let made = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::write(made.join(DESCRIPTORS), descriptors.encode_to_vec()).unwrap();
    let mut messages = tonic_prost_build::Config::new();
    messages.enable_type_names();
    tonic_prost_build::configure()
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        .out_dir(made)
        .compile_fds_with_config(descriptors, messages)
        .unwrap();

    for name in [CODE, DESCRIPTORS] {
        let (made, kept) = (fs::read(made.join(name)).unwrap(), root.join("src").join(name));
        if std::env::var_os("WORDSPACE_ACCEPT").is_some() {
            fs::write(&kept, &made).unwrap();
        }
        // Not `assert_eq`, which would show half a megabyte.
        assert!(fs::read(&kept).unwrap() == made, "run this with WORDSPACE_ACCEPT=1: {name}");
    }
}
