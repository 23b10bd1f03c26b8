//! A transformer's checkpoint over gRPC: its tokenizer, its tables of positions and segments, and texts
//! as it takes them in.

use tonic::Code;
use wordspace::proto as pb;
use wordspace::proto::import_header::Attach;
use wordspace::proto::import_request::Part;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::text_service_client::TextServiceClient;
use wordspace::proto::transfer_service_client::TransferServiceClient;

use crate::support::{SMALL, Server, header, import, part_files, reason, send};

const DIM: usize = 3;
const POSITIONS: usize = 9;
const EPS: f64 = 1e-3;
/// In the order of their numbers.
const TOKENS: [&str; 7] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "king", "walk", "##ing"];
/// The table has two rows more than tokens.
const ROWS: usize = TOKENS.len() + 2;

/// A tokenizer of BERT's, with limits that its library would obey.
fn tokenizer() -> String {
    let vocab: Vec<_> =
        TOKENS.iter().zip(0..).map(|(token, id)| format!("\"{token}\":{id}")).collect();
    let special = [0, 1, 2, 3].map(|id| {
        format!(
            "{{\"id\":{id},\"content\":\"{}\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\
             \"normalized\":false,\"special\":true}}",
            TOKENS[id]
        )
    });
    format!(
        "{{\"version\":\"1.0\",\"truncation\":{{\"direction\":\"Right\",\"max_length\":4,\
         \"strategy\":\"LongestFirst\",\"stride\":0}},\"padding\":null,\"added_tokens\":[{}],\
         \"normalizer\":null,\"pre_tokenizer\":{{\"type\":\"BertPreTokenizer\"}},\
         \"post_processor\":{{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}},\
         \"decoder\":null,\"model\":{{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\
         \"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{{{}}}}}}}",
        special.join(","),
        vocab.join(",")
    )
}

/// Numbers that differ, of some rows.
fn numbers(seed: u16, rows: usize) -> Vec<f32> {
    let number = |i: u16| f32::from((i * 7 + seed * 13) % 23) / 8.0 - 1.0;
    (0..u16::try_from(rows * DIM).unwrap()).map(number).collect()
}

/// The tensors, by name: words, positions, segments, weight and bias of the layer norm.
fn tensors() -> [(&'static str, Vec<usize>, Vec<f32>); 5] {
    [
        ("bert.embeddings.word_embeddings.weight", vec![ROWS, DIM], numbers(1, ROWS)),
        ("bert.embeddings.position_embeddings.weight", vec![POSITIONS, DIM], numbers(2, POSITIONS)),
        ("bert.embeddings.token_type_embeddings.weight", vec![2, DIM], numbers(3, 2)),
        ("bert.embeddings.LayerNorm.weight", vec![DIM], numbers(4, 1)),
        ("bert.embeddings.LayerNorm.bias", vec![DIM], numbers(5, 1)),
    ]
}

fn safetensors() -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, shape, values) in tensors() {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{}]}}",
            data.len()
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &data].concat()
}

/// The input of a token at a place, computed as BERT's authors do, in double precision.
fn expected(id: usize, place: usize, segment: usize) -> Vec<f64> {
    let tables = tensors();
    let row = |table: usize, row: usize| -> Vec<f64> {
        tables[table].2[row * DIM..(row + 1) * DIM].iter().map(|&value| f64::from(value)).collect()
    };
    let parts = [row(0, id), row(1, place), row(2, segment)];
    let sum: Vec<f64> = (0..DIM).map(|i| parts.iter().map(|part| part[i]).sum()).collect();
    let mean = sum.iter().sum::<f64>() / DIM as f64;
    let variance = sum.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / DIM as f64;
    let (weight, bias) = (row(3, 0), row(4, 0));
    let normed = |i: usize| (sum[i] - mean) / (variance + EPS).sqrt() * weight[i] + bias[i];
    (0..DIM).map(normed).collect()
}

fn near(got: &[f32], want: &[f64]) -> bool {
    got.len() == want.len()
        && got.iter().zip(want).all(|(&got, want)| (f64::from(got) - want).abs() < 1e-5)
}

fn checkpoint(head: pb::ImportHeader, config: &str) -> Vec<Part> {
    let file = |name: &str| Part::File(pb::ImportFile { name: name.to_owned(), size_bytes: None });
    vec![
        Part::Header(pb::ImportHeader { source: "model.safetensors".to_owned(), ..head }),
        Part::Chunk(safetensors()),
        file("config.json"),
        Part::Chunk(config.into()),
        file("tokenizer.json"),
        Part::Chunk(tokenizer().into_bytes()),
    ]
}

const CONFIG: &str = r#"{"model_type": "bert", "layer_norm_eps": 0.001, "pad_token_id": 0}"#;

fn ask(table: &str, text: &str, options: pb::EmbedOptions) -> pb::EmbedRequest {
    pb::EmbedRequest {
        table: table.to_owned(),
        texts: vec![text.to_owned()],
        options: Some(pb::EmbedOptions { transformer_input: true, ..options }),
        ..Default::default()
    }
}

fn pooled(pooling: pb::Pooling) -> pb::EmbedOptions {
    pb::EmbedOptions { pooling: pooling.into(), ..Default::default() }
}

type Texts = TextServiceClient<tonic::transport::Channel>;

async fn embed(texts: &mut Texts, ask: pb::EmbedRequest) -> pb::TextVector {
    texts.embed(ask).await.unwrap().into_inner().vectors.remove(0)
}

/// A pair of texts, token by token.
async fn pair(texts: &mut Texts, table: &str) -> pb::TextVector {
    let tokens = pb::EmbedRequest {
        second_texts: vec!["king".to_owned()],
        ..ask(table, "walking x", pooled(pb::Pooling::Tokens))
    };
    embed(texts, tokens).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_taken_in_as_the_transformer_does() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let report = send(&channel, checkpoint(header("bert"), CONFIG)).await.unwrap();
    assert_eq!((report.rows_read, report.rows_kept), (ROWS as u64, TOKENS.len() as u64));
    let told: Vec<_> = report.reasons.iter().map(|r| (r.reason.as_str(), r.count)).collect();
    assert_eq!(told, [("input_tables", 1), ("no_word", 2), ("tensor", 1), ("words", 1)]);
    let attached = report.tokenizer.unwrap();
    assert_eq!((attached.name.as_str(), attached.tables), ("bert", vec!["bert".to_owned()]));
    assert_eq!(attached.hidden_limits, ["truncation: keeps the head of 4 tokens"]);

    let mut texts = TextServiceClient::new(channel.clone());
    let both = pair(&mut texts, "bert").await;
    // [CLS] walk ##ing [UNK] [SEP] king [SEP]
    let ids = [2, 5, 6, 1, 3, 4, 3];
    assert_eq!((both.token_count, both.tokens.len()), (7, 7));
    for (place, (token, id)) in both.tokens.iter().zip(ids).enumerate() {
        let segment = usize::from(place > 4);
        assert_eq!(
            (token.word.as_str(), token.position()),
            (TOKENS[id], u32::try_from(place).unwrap())
        );
        assert_eq!((token.segment() as usize, token.in_second), (segment, place == 5));
        assert!(near(&token.values, &expected(id, place, segment)), "{token:?}");
    }
    assert_eq!((both.tokens[2].byte_start, both.tokens[2].byte_end), (4, 7));
    let mean = embed(&mut texts, ask("bert", "king", pooled(pb::Pooling::Mean))).await;
    let parts = [expected(2, 0, 0), expected(4, 1, 0), expected(3, 2, 0)];
    let sum: Vec<f64> =
        (0..DIM).map(|i| parts.iter().map(|part| part[i]).sum::<f64>() / 3.0).collect();
    assert!(near(&mean.values, &sum), "{mean:?}");
    let bare = pb::Cutting { bare: true, ..Default::default() };
    let bare = pb::EmbedRequest {
        cutting: Some(bare),
        ..ask("bert", "king walk", pooled(pb::Pooling::Last))
    };
    assert!(near(&embed(&mut texts, bare).await.values, &expected(5, 1, 0)));

    // Nine positions: too long a text is refused, or cut in chunks with places of their own.
    let long = ["king"; 8].join(" ");
    let error = texts.embed(ask("bert", &long, pooled(pb::Pooling::Mean))).await.unwrap_err();
    assert_eq!(reason(&error), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    assert!(
        error.message().contains("10 tokens") && error.message().contains("9 positions"),
        "{error}"
    );
    let cut = pb::EmbedOptions { chunk_tokens: Some(4), ..pooled(pb::Pooling::Mean) };
    let cut = embed(&mut texts, ask("bert", &long, cut)).await;
    assert_eq!((cut.chunk_count, cut.token_count), (2, 12));
    assert_eq!(cut.values.len(), DIM);

    for (options, second) in [
        (pooled(pb::Pooling::Sif), 0),
        (pooled(pb::Pooling::Mean), 2),
        (pb::EmbedOptions { chunk_tokens: Some(1), ..pooled(pb::Pooling::Mean) }, 1),
    ] {
        let second_texts = vec!["king".to_owned(); second];
        let bad = pb::EmbedRequest { second_texts, ..ask("bert", "king walk", options) };
        let bad = texts.embed(bad).await.unwrap_err();
        assert_eq!(reason(&bad), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    }
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let none = texts.embed(ask("en", "king", pooled(pb::Pooling::Mean))).await.unwrap_err();
    assert_eq!(reason(&none), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    server.stop().await;
}

async fn inputs(channel: &tonic::transport::Channel, table: &str) -> Option<pb::InputTables> {
    let mut tables = TableServiceClient::new(channel.clone());
    let ask = pb::GetTableRequest { table: table.to_owned() };
    tables.get_table(ask).await.unwrap().into_inner().table.unwrap().inputs
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a file that is meant to be damaged")]
async fn the_tables_beside_words_outlive_writes_rebuilds_and_restarts() {
    let server = Server::start().await;
    let channel = server.channel().await;
    send(&channel, checkpoint(header("bert"), CONFIG)).await.unwrap();
    let told = inputs(&channel, "bert").await.unwrap();
    assert_eq!((told.position_count, told.segment_count, told.layer_norm_eps), (9, 2, Some(EPS)));
    let mut texts = TextServiceClient::new(channel.clone());
    let before = pair(&mut texts, "bert").await;

    // Out and in again, alone in its file.
    let export = pb::ExportRequest {
        table: "bert".to_owned(),
        format: pb::Format::Safetensors.into(),
        ..Default::default()
    };
    let mut parts =
        TransferServiceClient::new(channel.clone()).export(export).await.unwrap().into_inner();
    let mut file = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        file.extend(part.chunk);
    }
    import(&channel, header("again"), &file).await.unwrap();
    let again = inputs(&channel, "again").await.unwrap();
    assert_eq!(pb::InputTables { disk_bytes: again.disk_bytes, ..told.clone() }, again);
    let mut tables = TableServiceClient::new(channel.clone());
    let set = pb::SetDefaultTokenizerRequest { table: "again".into(), tokenizer: "bert".into() };
    texts.set_default_tokenizer(set).await.unwrap();
    assert_eq!(pair(&mut texts, "again").await, before);

    let put = pb::PutVectorsRequest {
        table: "bert".to_owned(),
        words: vec![pb::put_vectors_request::WordToPut {
            word: "new".to_owned(),
            vector: Some(pb::Vector { values: vec![1.0; DIM], ..Default::default() }),
            ..Default::default()
        }],
        ..Default::default()
    };
    tables.put_vectors(put).await.unwrap();
    tables
        .build_index(pb::BuildIndexRequest { table: "bert".to_owned(), index: None })
        .await
        .unwrap();
    assert_eq!(pair(&mut texts, "bert").await, before);

    let folder = server.stop().await;
    let server = Server::start_on(folder).await;
    let channel = server.channel().await;
    let mut texts = TextServiceClient::new(channel.clone());
    assert_eq!(pair(&mut texts, "bert").await, before);
    let folder = server.stop().await;

    // Damage is told where it matters, and the words answer.
    let files = part_files(folder.path(), "inputs");
    assert_eq!(files.len(), 2);
    for file in &files {
        let mut bytes = std::fs::read(file).unwrap();
        // Between sections there are zeros, which nobody reads.
        let middle = (bytes.len() / 2..bytes.len()).find(|&at| bytes[at] != 0).unwrap();
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).unwrap();
    }
    let server = Server::start_on(folder).await;
    let channel = server.channel().await;
    let problem = inputs(&channel, "bert").await.unwrap().problem;
    assert!(problem.contains("inputs (at byte"), "{problem}");
    let mut texts = TextServiceClient::new(channel.clone());
    let error = texts.embed(ask("bert", "king", pooled(pb::Pooling::Mean))).await.unwrap_err();
    assert_eq!(error.code(), Code::DataLoss);
    let rows = pb::EmbedRequest { options: None, ..ask("bert", "king", pooled(pb::Pooling::Mean)) };
    assert_eq!(embed(&mut texts, rows).await.used_count, 1);
    let mut tables = TableServiceClient::new(channel);
    tables.delete_table(pb::DeleteTableRequest { table: "bert".to_owned() }).await.unwrap();
    assert_eq!(part_files(server.data.path(), "inputs").len(), 1, "deleted with the table");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokenizer_comes_with_its_table() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let told = |report: &pb::ImportReport| report.tokenizer.as_ref().map(|told| told.name.clone());
    let dry = pb::ImportHeader { dry_run: true, ..header("bert") };
    let dry = send(&channel, checkpoint(dry, CONFIG)).await.unwrap();
    assert_eq!((told(&dry).as_deref(), dry.tokenizer.unwrap().stored), (Some("bert"), false));
    let left = pb::ImportHeader { attach: Some(Attach::NoTokenizer(true)), ..header("plain") };
    assert_eq!(told(&send(&channel, checkpoint(left, CONFIG)).await.unwrap()), None);

    // Another tokenizer has the table's name; the same one is stored once.
    let mut texts = TextServiceClient::new(channel.clone());
    let other = pb::TokenizerFile { name: "vocab.txt".to_owned(), content: b"[UNK]\na\n".to_vec() };
    let spec = pb::TokenizerSpec { files: vec![other], ..Default::default() };
    let put = pb::PutTokenizerRequest { name: "bert".to_owned(), spec: Some(spec), replace: false };
    texts.put_tokenizer(put).await.unwrap();
    let report = send(&channel, checkpoint(header("bert"), CONFIG)).await.unwrap();
    assert_eq!(told(&report).as_deref(), Some("bert-2"));
    let report = send(&channel, checkpoint(header("bert"), CONFIG)).await.unwrap();
    assert_eq!(told(&report).as_deref(), Some("bert-2"));
    let named = |name: &str| pb::ImportHeader {
        attach: Some(Attach::Tokenizer(name.to_owned())),
        ..header("other")
    };
    let report = send(&channel, checkpoint(named("bert-2"), CONFIG)).await.unwrap();
    assert_eq!(report.tokenizer.unwrap().tables, ["bert", "other"]);
    let taken = send(&channel, checkpoint(named("bert"), CONFIG)).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "TOKENIZER_EXISTS".to_owned()));
    let none = import(&channel, named("new"), SMALL.as_bytes()).await.unwrap_err();
    assert!(none.message().contains("no tokenizer was sent"), "{none}");

    // RoBERTa's positions begin behind padding; vectors of length 1 fit no table of positions.
    let roberta =
        r#"{"model_type": "roberta", "pad_token_id": 1, "position_embedding_type": "absolute"}"#;
    send(&channel, checkpoint(header("roberta"), roberta)).await.unwrap();
    assert_eq!(inputs(&channel, "roberta").await.unwrap().first_position, 2);
    let unit = pb::ImportHeader { normalize: true, ..header("unit") };
    let report = send(&channel, checkpoint(unit, CONFIG)).await.unwrap();
    assert!(report.reasons.iter().any(|told| told.reason == "input_tables_left"));
    assert_eq!(inputs(&channel, "unit").await, None);
    server.stop().await;
}
