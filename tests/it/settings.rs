//! What a server is set to: defaults, a file, the environment and options, each above the one before.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Process, root};

fn wordspace(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordspace"));
    command.args(arguments).envs(variables.iter().copied());
    let told = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (told.status.success(), text(told.stdout), text(told.stderr))
}

fn write(path: &Path, text: &str) {
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn each_setting_tells_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("server.toml"), folder.path().join("data"));
    let (path, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    let certificate = root().join("tests/data/tls/server.pem");
    let tls = |key: &str| {
        let key = root().join("tests/data/tls").join(key);
        format!(
            "data = \"{data}\"\nconnections = 9\ngrace = 1\nmetrics-listen = \"127.0.0.1:0\"\n\
             [tls]\ncert = \"{}\"\nkey = \"{}\"\n",
            certificate.display(),
            key.display()
        )
    };
    write(&file, &tls("server.key"));
    let variables = [("WORDSPACE_SERVE_GRACE", "2"), ("WORDSPACE_SERVE_CONNECTIONS", "7")];
    let show = ["config", "show", "--config", path, "--connections=8", "--json"];
    let (done, told, error) = wordspace(&show, &variables);
    assert!(done, "{error}");
    let settings: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let get = |name: &str| {
        let setting = settings.iter().find(|setting| setting["name"] == name).unwrap();
        (setting["value"].as_str(), setting["origin"].as_str().unwrap())
    };
    assert_eq!(get("data"), (Some(data), "file"));
    assert_eq!(get("grace"), (Some("2"), "environment"));
    assert_eq!(get("connections"), (Some("8"), "option"));
    assert_eq!(get("stream-idle"), (Some("10"), "default"));
    assert_eq!(get("tls-cert").1, "file");
    assert_eq!(get("keys"), (None, "default"));
    let (_, grid, _) = wordspace(&show[..5], &variables);
    assert!(grid.contains("connections") && grid.contains("environment"), "{grid}");

    let check = ["config", "check", "--config", path];
    let (done, _, told) = wordspace(&check, &[]);
    assert!(done && told.contains("right"), "{told}");
    // A server takes them, too: in the clear, which the process of the tests asks for.
    write(&file, "grace = 1\nconnections = 9\n");
    let server = Process::start_with(folder.path(), &["--config", path]).await;
    server.terminate();
    write(&file, &tls("server.key"));
    for (text, problem) in [
        (tls("renewed.key"), "renewed.key"),
        ("data = \"x\"\nconections = 1\n".to_owned(), "did you mean `connections`?"),
        ("data = \"x\"\ngrace = \"soon\"\n".to_owned(), "--grace"),
        ("data = \"x\"\nmetrics-listen = \"0.0.0.0:1\"\n".to_owned(), "--insecure-metrics-listen"),
        ("data = \n".to_owned(), "line 1"),
    ] {
        write(&file, &text);
        let (done, _, told) = wordspace(&check, &[]);
        assert!(!done && told.contains(problem), "{text}: {told}");
    }
    let (done, _, told) = wordspace(&["serve"], &[("WORDSPACE_SERVE_CONFIG", "/none/such")]);
    assert!(!done && told.contains("/none/such"), "{told}");
}
