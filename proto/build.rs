//! Turns the proto files into Rust with protox: no protoc is needed.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = [
        "search",
        "table",
        "transfer",
        "text",
        "training",
        "bias",
        "evaluation",
        "language_model",
        "admin",
        "job_service",
        "batch",
    ]
    .map(|service| format!("wordspace/v1/{service}.proto"));
    let descriptors = protox::compile(services, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut file = File::create(out.join("wordspace.v1.descriptor.bin"))?;
    file.write_all(&descriptors.encode_to_vec())?;

    let mut messages = tonic_prost_build::Config::new();
    messages.enable_type_names();
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        .compile_fds_with_config(descriptors, messages)?;
    println!("cargo::rerun-if-changed=wordspace");
    Ok(())
}
