//! Starts a server in this process, imports real vectors, and asks over gRPC.
//!
//! `cargo run --example import_and_ask`
#![expect(clippy::print_stdout, reason = "an example shows its answers")]

use std::error::Error;
use std::path::Path;

use tokio::sync::oneshot;
use wordspace::client::{AnalogyRequest, Client, ImportHeader, NearestRequest, WeatRequest};
use wordspace::server::{ServerConfig, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let config = ServerConfig::new(folder.path().to_owned());
    let server = tokio::spawn(serve(config, listener, async {
        let _ = stopped.await;
    }));

    let client = Client::connect(&url).await?;
    let table = || "glove".to_owned();
    let header = ImportHeader { table: table(), ..ImportHeader::default() };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/glove.6B.50d.20k.txt.gz");
    let report = client.import_file(header, &file, |_| {}).await?;
    println!("{} rows of {} components", report.rows_kept, report.dim);

    let positive = vec!["piano".into()];
    let question = NearestRequest { table: table(), positive, k: Some(3), ..Default::default() };
    for neighbor in client.nearest(question).await?.neighbors {
        println!("piano ~ {} {:.3}", neighbor.word, neighbor.similarity);
    }

    let [a, b, c] = ["man", "king", "woman"].map(|word| Some(word.into()));
    let question = AnalogyRequest { table: table(), a, b, c, ..Default::default() };
    let answer = client.analogy(question).await?;
    println!("man : king :: woman : {}", answer.neighbors[0].word);

    let suite = "career-family".to_owned();
    let weat = client.weat(WeatRequest { table: table(), suite, ..Default::default() }).await?;
    println!("career-family: effect size {:.3}, p = {:.2e}", weat.effect_size, weat.p_value);

    drop(stop);
    server.await??;
    Ok(())
}
