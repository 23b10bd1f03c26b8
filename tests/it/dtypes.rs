//! Tables of every dtype over gRPC: what is kept is what plain Rust makes of what came, and it stays so
//! through writes, rebuilds, restarts, copies, backups and files.

use std::sync::Arc;

use wordspace::client::Client;
use wordspace::proto as pb;
use wordspace::proto::import_request::Part;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::server::ServerConfig;

use crate::support::{Server, header, import, reason, send, word};

const DTYPES: [pb::Dtype; 4] = [pb::Dtype::F32, pb::Dtype::F16, pb::Dtype::Bf16, pb::Dtype::I8];

const VECTORS: [(&str, [f32; 3]); 4] = [
    ("king", [2.017_3, 1.0, 0.001_234_5]),
    ("queen", [2.1, -0.933_1, 0.0]),
    ("apple", [0.0, 0.123_456_7, 3.3]),
    ("tiny", [1e-7, -3e-8, 2e-9]),
];

#[expect(clippy::cast_possible_truncation, reason = "it is a number of single precision")]
fn single(value: f64) -> f32 {
    value as f32
}

/// The number that a half says.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1_023));
    if exponent == 0 {
        return sign * mantissa * f64::powi(2.0, -24);
    }
    sign * (1.0 + mantissa / 1_024.0) * f64::powi(2.0, exponent - 15)
}

/// The nearest of all numbers that there are, of two that are as near the one with even bits.
fn nearest_half(value: f32) -> f32 {
    let off = |bits: u16| (half(bits) - f64::from(value)).abs();
    let finite = (0..0x7c00).chain(0x8000..0xfc00_u16);
    let best = finite.min_by(|&a, &b| off(a).total_cmp(&off(b)).then((a & 1).cmp(&(b & 1))));
    single(half(best.unwrap()))
}

/// The upper half of a number, rounded to the nearest even one.
fn upper_half(value: f32) -> f32 {
    let bits = value.to_bits();
    let (low, is_odd) = (bits & 0xffff, bits >> 16 & 1 == 1);
    let up = low > 0x8000 || (low == 0x8000 && is_odd);
    f32::from_bits((bits & 0xffff_0000) + (u32::from(up) << 16))
}

/// The nearest whole numbers of steps; a step has 16 significant bits.
fn in_steps(vector: [f32; 3]) -> [f32; 3] {
    let largest =
        vector.iter().fold(0.0_f64, |largest, &value| largest.max(f64::from(value).abs()));
    let exponent = (largest / 127.0).log2().floor().max(-1_000.0) - 15.0;
    let step = (largest / 127.0 / exponent.exp2()).ceil() * exponent.exp2();
    vector.map(|value| single((f64::from(value) / step).round_ties_even() * step))
}

fn kept(dtype: pb::Dtype, vector: [f32; 3]) -> [f32; 3] {
    match dtype {
        pb::Dtype::F16 => vector.map(nearest_half),
        pb::Dtype::Bf16 => vector.map(upper_half),
        pb::Dtype::I8 => in_steps(vector),
        pb::Dtype::F32 | pb::Dtype::Unspecified => vector,
    }
}

async fn put(client: &Client, table: &str, rows: &[(&str, [f32; 3])]) {
    client.put_vectors(to_put(table, rows)).await.unwrap();
}

fn to_put(table: &str, rows: &[(&str, [f32; 3])]) -> pb::PutVectorsRequest {
    let words = rows.iter().map(|(word, values)| WordToPut {
        word: (*word).to_owned(),
        vector: Some(pb::Vector { values: values.to_vec(), ..Default::default() }),
        ..Default::default()
    });
    pb::PutVectorsRequest { table: table.to_owned(), words: words.collect(), ..Default::default() }
}

async fn dtype_of(client: &Client, table: &str) -> pb::Dtype {
    let request = pb::GetTableRequest { table: table.to_owned() };
    client.get_table(request).await.unwrap().table.unwrap().dtype()
}

/// Whether the table has these rows, bit by bit, in this dtype.
async fn check(client: &Client, table: &str, dtype: pb::Dtype, rows: &[(&str, [f32; 3])]) {
    assert_eq!(dtype_of(client, table).await, dtype, "{table}");
    let request = pb::LookupRequest {
        table: table.to_owned(),
        queries: rows.iter().map(|(asked, _)| word(asked)).collect(),
        ..Default::default()
    };
    let found = client.lookup(request).await.unwrap().vectors;
    for (found, (name, vector)) in found.into_iter().zip(rows) {
        let truth = kept(dtype, *vector);
        let found = found.vector.unwrap();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found.values), bits(&truth), "{table}, {name}: {found:?} {truth:?}");
    }
}

async fn export(client: &Client, table: &str, format: pb::Format) -> Vec<u8> {
    let (table, format) = (table.to_owned(), format.into());
    let request = pb::ExportRequest { table, format, ..Default::default() };
    let mut exported = client.export(request).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(part) = exported.next().await.unwrap() {
        // The words of an array are a file of their own.
        if !part.companion.is_empty() {
            break;
        }
        bytes.extend(part.chunk);
    }
    bytes
}

#[tokio::test]
async fn what_is_kept_stays_as_it_is() {
    let (data, place) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let start = async || {
        let backups = Some(place.path().to_str().unwrap().to_owned());
        let config = ServerConfig { index_threads: 1, backups, ..ServerConfig::new(data.path()) };
        let server = Server::start_as(Arc::clone(&data), config).await;
        let client = Client::connect(&server.url).await.unwrap();
        (server, client)
    };
    let (server, client) = start().await;
    let name = |dtype: pb::Dtype| dtype.as_str_name().to_owned();
    for dtype in DTYPES {
        let (table, dim) = (name(dtype), 3);
        let request =
            pb::CreateTableRequest { table, dim, dtype: dtype.into(), ..Default::default() };
        client.create_table(request).await.unwrap();
        put(&client, &name(dtype), &VECTORS).await;
        check(&client, &name(dtype), dtype, &VECTORS).await;
        // What came out goes in again as the same.
        let again = VECTORS.map(|(word, vector)| (word, kept(dtype, vector)));
        put(&client, &name(dtype), &again).await;
        check(&client, &name(dtype), dtype, &VECTORS).await;
    }
    server.stop().await;

    // From the journal, then from rows of a new generation, then from those after a restart.
    let (server, client) = start().await;
    for dtype in DTYPES {
        check(&client, &name(dtype), dtype, &VECTORS).await;
        let copy =
            pb::CopyTableRequest { table: name(dtype), new_name: format!("{}-copy", name(dtype)) };
        client.copy_table(copy).await.unwrap();
        let table = name(dtype);
        client
            .build_index(pb::BuildIndexRequest { table: table.clone(), index: None })
            .await
            .unwrap();
        let written = async || {
            let request = pb::GetTableRequest { table: table.clone() };
            let table = client.get_table(request).await.unwrap().table.unwrap();
            table.index.unwrap().written_row_count
        };
        while written().await > 0 {}
    }
    let backup = client.backup(pb::BackupRequest { keep: 0, detach: false }, |_| {}).await.unwrap();
    assert!(backup.problems.is_empty());
    server.stop().await;

    let (server, client) = start().await;
    let channel = server.channel().await;
    for dtype in DTYPES {
        let table = name(dtype);
        check(&client, &table, dtype, &VECTORS).await;
        check(&client, &format!("{table}-copy"), dtype, &VECTORS).await;
        let request = pb::RestoreRequest {
            tables: vec![table.clone()],
            new_name: format!("{table}-restored"),
            ..Default::default()
        };
        client.restore(request, |_| {}).await.unwrap();
        check(&client, &format!("{table}-restored"), dtype, &VECTORS).await;
        for format in [pb::Format::Wordspace, pb::Format::Safetensors, pb::Format::Glove] {
            let file = export(&client, &table, format).await;
            let target = format!("{table}-{}", format.as_str_name());
            import(&channel, header(&target), &file).await.unwrap();
            // A scale a row has no place in a tensor, and no dtype has one in a text.
            let expected = match (format, dtype) {
                (pb::Format::Wordspace, _)
                | (pb::Format::Safetensors, pb::Dtype::F16 | pb::Dtype::Bf16) => dtype,
                _ => pb::Dtype::F32,
            };
            let rows = VECTORS.map(|(word, vector)| (word, kept(dtype, vector)));
            check(&client, &target, expected, &rows).await;
            // And asked for, it is there again.
            let asked = pb::ImportHeader { dtype: dtype.into(), ..header(&target) };
            import(&channel, asked, &file).await.unwrap();
            check(&client, &target, dtype, &rows).await;
        }
    }
    server.stop().await;
}

/// Some rows of halves with their words, as a tensor of a file of its own.
fn halves() -> (Vec<u8>, Vec<u8>) {
    let bits: [u16; 6] = [0x3c00, 0x3555, 0xc000, 0x0001, 0x7bff, 0xbbff];
    let tensor: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let header = r#"{"embeddings":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    (tensor.clone(), [&length[..], header.as_bytes(), &tensor].concat())
}

#[tokio::test]
async fn a_file_of_halves_stays_one() {
    let server = Server::start().await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    let (tensor, file) = halves();
    let words = pb::ImportFile { name: "vocab.txt".to_owned(), size_bytes: None };
    let parts = |head: pb::ImportHeader| {
        let source = "model.safetensors".to_owned();
        let head = pb::ImportHeader { source, ..head };
        vec![
            Part::Header(head),
            Part::Chunk(file.clone()),
            Part::File(words.clone()),
            Part::Chunk(b"one\ntwo\n".to_vec()),
        ]
    };
    send(&channel, parts(header("halves"))).await.unwrap();
    assert_eq!(dtype_of(&client, "halves").await, pb::Dtype::F16);
    let exported = export(&client, "halves", pb::Format::Safetensors).await;
    let there = exported.windows(tensor.len()).filter(|bytes| *bytes == tensor).count();
    assert_eq!(there, 1, "the tensor is in the file, byte by byte");
    import(&channel, header("again"), &exported).await.unwrap();
    assert_eq!(dtype_of(&client, "again").await, pb::Dtype::F16);
    let again = export(&client, "again", pb::Format::Npy).await;
    assert!(again.windows(tensor.len()).any(|bytes| bytes == tensor));

    // What is asked for is done, and what changes vectors keeps what it makes of them.
    let wide = pb::ImportHeader { dtype: pb::Dtype::F32.into(), ..header("wide") };
    send(&channel, parts(wide)).await.unwrap();
    assert_eq!(dtype_of(&client, "wide").await, pb::Dtype::F32);
    let unit = pb::ImportHeader { normalize: true, ..header("unit") };
    send(&channel, parts(unit)).await.unwrap();
    assert_eq!(dtype_of(&client, "unit").await, pb::Dtype::F32);
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_its_word() {
    let server = Server::start().await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    let text = b"small 1.0 2.0 3.0\nlarge 1.0 70000.0 3.0\n";
    let halves = |table: &str| pb::ImportHeader { dtype: pb::Dtype::F16.into(), ..header(table) };
    let status = import(&channel, halves("en"), text).await.unwrap_err();
    assert_eq!(reason(&status).1, "MALFORMED_FILE");
    let told = "\"large\": component 2 is 7e4, which is too large for f16";
    assert!(status.message().contains(told), "{}", status.message());
    let lenient = pb::ImportHeader { on_invalid: pb::OnInvalid::Skip.into(), ..halves("en") };
    let report = import(&channel, lenient, text).await.unwrap();
    assert_eq!((report.rows_kept, report.reasons[0].reason.as_str()), (1, "too_large"));

    let request = to_put("en", &[("small", [9.0; 3]), ("huge", [0.0, 0.0, -65_520.0])]);
    let error = client.put_vectors(request).await.unwrap_err().to_string();
    assert!(error.contains("\"huge\": component 3 is -6.552e4"), "{error}");
    check(&client, "en", pb::Dtype::F16, &[("small", [1.0, 2.0, 3.0])]).await;
    let added = pb::ImportHeader {
        append: true,
        if_exists: pb::IfExists::Unspecified.into(),
        dtype: pb::Dtype::I8.into(),
        ..header("en")
    };
    let status = import(&channel, added.clone(), b"more 0.1 0.2 0.3\n").await.unwrap_err();
    assert_eq!(reason(&status).1, "INVALID_FIELD");
    let added = pb::ImportHeader { dtype: pb::Dtype::Unspecified.into(), ..added };
    import(&channel, added, b"more 0.1 0.2 0.3\n").await.unwrap();
    let rows = [("small", [1.0, 2.0, 3.0]), ("more", [0.1, 0.2, 0.3])];
    check(&client, "en", pb::Dtype::F16, &rows).await;
    server.stop().await;
}

#[tokio::test]
async fn vectors_on_the_disk_answer_as_those_in_memory() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_on(Arc::clone(&data)).await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    let name = |dtype: pb::Dtype, on_disk: bool| {
        format!("{}-{}", dtype.as_str_name(), if on_disk { "disk" } else { "memory" })
    };
    // Some blocks of rows, so that most are let go before the last has come.
    let text: String = (0..3_000)
        .map(|i| {
            let values = (1..=40).map(|j| format!(" {}", f64::from(i * j % 101 - 50) / 17.0));
            format!("w{i}{}\n", values.collect::<String>())
        })
        .collect();
    for dtype in DTYPES {
        for on_disk in [false, true] {
            let head = header(&name(dtype, on_disk));
            let head = pb::ImportHeader { dtype: dtype.into(), on_disk, ..head };
            import(&channel, head, text.as_bytes()).await.unwrap();
        }
    }
    let agree = async |client: &Client, rows: u64| {
        for dtype in DTYPES {
            let tables = [false, true].map(|on_disk| name(dtype, on_disk));
            let mut exported = Vec::new();
            let mut nearest = Vec::new();
            for table in &tables {
                exported.push(export(client, table, pb::Format::Word2vecBinary).await);
                let request = pb::NearestRequest {
                    table: table.clone(),
                    positive: vec![word("w17")],
                    k: Some(20),
                    ..Default::default()
                };
                let answer = client.nearest(request).await.unwrap();
                let found = answer.neighbors.into_iter().map(|near| (near.word, near.similarity));
                nearest.push(found.collect::<Vec<_>>());
            }
            assert_eq!(nearest[0], nearest[1]);
            assert_eq!(nearest[0].len(), 20);
            assert!(exported[0] == exported[1], "{dtype:?}");
            let status = async |table: &str| {
                let request = pb::GetTableRequest { table: table.to_owned() };
                client.get_table(request).await.unwrap().table.unwrap()
            };
            let [memory, disk] = [status(&tables[0]).await, status(&tables[1]).await];
            assert!(!memory.on_disk && disk.on_disk && memory.mapped_bytes == 0);
            let row_bytes = match dtype {
                pb::Dtype::I8 => 44,
                pb::Dtype::F16 | pb::Dtype::Bf16 => 80,
                pb::Dtype::F32 | pb::Dtype::Unspecified => 160,
            };
            assert_eq!(disk.mapped_bytes, rows * row_bytes);
            assert!(disk.memory_bytes + rows * row_bytes <= memory.memory_bytes + 4_096);
        }
    };
    agree(&client, 3_000).await;
    server.stop().await;
    let server = Server::start_on(data).await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    agree(&client, 3_000).await;

    // Writes and files are added to both, and taken into new rows.
    for dtype in DTYPES {
        for on_disk in [false, true] {
            let table = name(dtype, on_disk);
            let vector = Some(pb::Vector { values: vec![0.25; 40], ..Default::default() });
            let put = WordToPut { word: "w17".to_owned(), vector, ..Default::default() };
            let request = pb::PutVectorsRequest {
                table: table.clone(),
                words: vec![put],
                ..Default::default()
            };
            client.put_vectors(request).await.unwrap();
            let added = pb::ImportHeader {
                append: true,
                if_exists: pb::IfExists::Unspecified.into(),
                ..header(&table)
            };
            let line = text.lines().nth(7).unwrap().replacen("w7", "again", 1);
            import(&channel, added, line.as_bytes()).await.unwrap();
        }
    }
    agree(&client, 3_001).await;
    server.stop().await;
}
