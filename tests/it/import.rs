//! Imports over the wire: what comes in comes out again, every row is accounted for, and what is
//! refused leaves nothing behind.

use prost::Message as _;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codegen::http;
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::import_request::Part;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::transfer_service_client::TransferServiceClient;

use crate::support::{
    SMALL, Server, header, import, part_files, reason, send, until_progress, word,
};

async fn tables(channel: &Channel) -> Vec<(String, u64)> {
    let mut tables = TableServiceClient::new(channel.clone());
    let listed = tables.list_tables(pb::ListTablesRequest {}).await.unwrap().into_inner().tables;
    listed.into_iter().map(|table| (table.name, table.row_count)).collect()
}

async fn export(channel: &Channel, table: &str, format: pb::Format, gzip: bool) -> Vec<u8> {
    let table = table.to_owned();
    let ask = pb::ExportRequest { table, format: format.into(), gzip, ..Default::default() };
    let mut files = export_files(channel, ask).await.unwrap();
    assert_eq!(files.len(), 1);
    files.remove(0).1
}

/// The files of an export, by the ends of their names.
pub(crate) async fn export_files(
    channel: &Channel,
    ask: pb::ExportRequest,
) -> Result<Vec<(String, Vec<u8>)>, tonic::Status> {
    let mut transfer = TransferServiceClient::new(channel.clone());
    let mut chunks = transfer.export(ask).await?.into_inner();
    let mut files = vec![(String::new(), Vec::new())];
    while let Some(part) = chunks.message().await? {
        if !part.companion.is_empty() {
            files.push((part.companion, Vec::new()));
        }
        files.last_mut().unwrap().1.extend(part.chunk);
    }
    Ok(files)
}

#[tokio::test]
async fn what_comes_in_comes_out_in_every_format() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let report = import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    assert_eq!((report.rows_read, report.rows_kept, report.dim), (8, 8, 3));
    assert_eq!((report.format(), report.bytes_read), (pb::Format::Glove, SMALL.len() as u64));
    let formats = [
        pb::Format::Word2vecText,
        pb::Format::Word2vecBinary,
        pb::Format::Glove,
        pb::Format::Finalfusion,
        pb::Format::Safetensors,
        pb::Format::JsonLines,
        pb::Format::Csv,
        pb::Format::Parquet,
        pb::Format::Arrow,
    ];
    for (format, gzip) in formats.into_iter().flat_map(|format| [(format, false), (format, true)]) {
        let file = export(&channel, "en", format, gzip).await;
        let report = import(&channel, header("again"), &file).await.unwrap();
        assert_eq!((report.format(), report.gzip, report.rows_kept), (format, gzip, 8));
        assert_eq!(export(&channel, "again", pb::Format::Glove, false).await, SMALL.as_bytes());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_matrix_comes_in_with_its_words() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let dictionary = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }";
    let mut array =
        [b"\x93NUMPY\x01\0", [u8::try_from(dictionary.len()).unwrap(), 0].as_slice()].concat();
    array.extend(dictionary.as_bytes());
    array.extend([1.0_f32, 3.0, 2.0, 4.0].iter().flat_map(|value| value.to_le_bytes()));
    let file = |name: &str, bytes: &[u8], size: u64| {
        let file = pb::ImportFile { name: name.to_owned(), size_bytes: Some(size) };
        [Part::File(file), Part::Chunk(bytes.to_vec())]
    };
    let head = || pb::ImportHeader {
        source: "two.npy".to_owned(),
        total_bytes: Some(array.len() as u64),
        ..header("two")
    };
    let parts = |size| {
        let mut parts = vec![Part::Header(head()), Part::Chunk(array.clone())];
        parts.extend(file("two.words.txt", b"a\nb\n", size));
        parts
    };
    let error = send(&channel, parts(5)).await.unwrap_err();
    assert!(error.message().contains("the file has 4 bytes, 5 were announced"), "{error}");
    let report = send(&channel, parts(4)).await.unwrap();
    assert_eq!((report.format(), report.rows_kept), (pb::Format::Npy, 2));
    let rows = export(&channel, "two", pb::Format::Glove, false).await;
    assert_eq!(String::from_utf8(rows).unwrap(), "a 1.0 2.0\nb 3.0 4.0\n");
    let alone = vec![Part::Header(head()), Part::Chunk(array.clone())];
    let error = send(&channel, alone).await.unwrap_err();
    assert!(error.message().contains("two.words.txt"), "{error}");
    let text = vec![Part::Header(header("text")), Part::Chunk(b"a 1 2\n".to_vec())];
    let report = send(&channel, [text, file("more.txt", b"x", 1).to_vec()].concat()).await.unwrap();
    assert_eq!(report.reasons[0].reason, "unused_file");
    server.stop().await;
}

#[tokio::test]
async fn rows_come_in_without_a_file() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let row = |word: &str, values: &[f32]| pb::ImportRow {
        word: word.to_owned(),
        values: values.to_vec(),
    };
    let rows = |rows: Vec<pb::ImportRow>| Part::Rows(pb::ImportRows { rows });
    let head = pb::ImportHeader {
        format: pb::Format::Rows.into(),
        on_invalid: pb::OnInvalid::Skip.into(),
        ..header("rows")
    };
    let parts = vec![
        Part::Header(head),
        rows(vec![row("a", &[1.0, 2.0]), row("", &[1.0, 2.0])]),
        rows(vec![row("b", &[1.0]), row("c", &[f32::INFINITY, 0.0]), row("d", &[0.5, 0.5])]),
    ];
    let report = send(&channel, parts).await.unwrap();
    assert_eq!((report.rows_read, report.rows_kept), (5, 2));
    let reasons: Vec<_> =
        report.reasons.iter().map(|counted| (counted.reason.as_str(), counted.count)).collect();
    assert_eq!(reasons, [("empty_word", 1), ("not_finite", 1), ("wrong_dimension", 1)]);
    server.stop().await;
}

#[tokio::test]
async fn the_policies_do_what_they_say_and_every_row_is_accounted_for() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let file = b"a 1 2\nb 3 4\na 5 6\nbad 1 nan\nworse 1\n\xff\xfe 7 8\nhuh 1 x\n";
    let lenient = || pb::ImportHeader { on_invalid: pb::OnInvalid::Skip.into(), ..header("t") };

    let vectors = [
        (pb::OnDuplicate::First, [1.0, 2.0]),
        (pb::OnDuplicate::Last, [5.0, 6.0]),
        (pb::OnDuplicate::Mean, [3.0, 4.0]),
    ];
    for (on_duplicate, want) in vectors {
        let head = pb::ImportHeader { on_duplicate: on_duplicate.into(), ..lenient() };
        let report = import(&channel, head, file).await.unwrap();
        let left_out: u64 = report
            .reasons
            .iter()
            .filter(|counted| counted.rows_left_out)
            .map(|counted| counted.count)
            .sum();
        assert_eq!((report.rows_read, report.rows_kept, left_out), (7, 3, 4), "{report:?}");
        let ask = pb::LookupRequest {
            table: "t".to_owned(),
            queries: vec![word("a")],
            ..pb::LookupRequest::default()
        };
        let mut tables = TableServiceClient::new(channel.clone());
        let found = tables.lookup(ask).await.unwrap().into_inner().vectors.remove(0);
        assert_eq!(found.vector.unwrap().values, want);
    }
    for (on_invalid_utf8, kept) in [
        (pb::OnInvalidUtf8::KeepBytes, 3),
        (pb::OnInvalidUtf8::Replace, 3),
        (pb::OnInvalidUtf8::Skip, 2),
    ] {
        let head = pb::ImportHeader { on_invalid_utf8: on_invalid_utf8.into(), ..lenient() };
        assert_eq!(import(&channel, head, file).await.unwrap().rows_kept, kept);
    }
    let strict = [
        (pb::ImportHeader { on_duplicate: pb::OnDuplicate::Error.into(), ..lenient() }, "line 3"),
        (header("t"), "line 4"),
        (
            pb::ImportHeader { on_invalid_utf8: pb::OnInvalidUtf8::Error.into(), ..lenient() },
            "line 6",
        ),
    ];
    for (head, line) in strict {
        let status = import(&channel, head, file).await.unwrap_err();
        assert_eq!(reason(&status), (Code::InvalidArgument, "MALFORMED_FILE".to_owned()));
        assert!(status.message().contains(line), "{}", status.message());
    }
    let head = pb::ImportHeader { limit: Some(2), ..header("t") };
    assert_eq!(import(&channel, head, file).await.unwrap().rows_kept, 2);
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let before = tables(&channel).await;

    let exists = pb::ImportHeader { if_exists: pb::IfExists::Error.into(), ..header("en") };
    let status = import(&channel, exists, SMALL.as_bytes()).await.unwrap_err();
    assert_eq!(reason(&status), (Code::AlreadyExists, "TABLE_EXISTS".to_owned()));

    let bad_header = pb::ImportHeader { limit: Some(0), format: 99, ..header("-x") };
    let status = import(&channel, bad_header, b"").await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    for field in ["table", "limit", "format"] {
        assert!(status.message().contains(field), "{}", status.message());
    }

    let longer = pb::ImportHeader { total_bytes: Some(SMALL.len() as u64 + 1), ..header("en") };
    let status = import(&channel, longer, SMALL.as_bytes()).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "MALFORMED_FILE".to_owned()));

    let status = send(&channel, vec![Part::Chunk(b"a 1".to_vec())]).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let twice = vec![Part::Header(header("en")), Part::Header(header("en"))];
    let status = send(&channel, twice).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));

    let mut binary = b"2 2\na ".to_vec();
    binary.extend([0, 0, 128, 63, 0, 0, 0, 64, b'\n', b'b', b' ', 1]);
    let files: [&[u8]; 6] = [
        b"",
        b"\n\n\n",
        b"9999999999999 300\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03broken",
        &binary,
    ];
    for file in files {
        for table in ["en", "new"] {
            let status = import(&channel, header(table), file).await.unwrap_err();
            let (code, reason) = reason(&status);
            assert_eq!(code, Code::InvalidArgument, "{reason}: {file:?}");
        }
    }
    assert_eq!(tables(&channel).await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_broken_stream_leaves_nothing_and_blocks_nobody() {
    let server = Server::start().await;
    let channel = server.channel().await;
    // A client whose stream stays open: a second import into the table is refused, one into another
    // is not.
    let (url, runtime) = (server.url.clone(), tokio::runtime::Runtime::new().unwrap());
    let begun = runtime.spawn(async move {
        let (parts, stream) = tokio::sync::mpsc::channel(4);
        let rows: String = (0..20_000).map(|i| format!("w{i} 1 2 {i}\n")).collect();
        for part in [Part::Header(header("en")), Part::Chunk(rows.into_bytes())] {
            parts.send(pb::ImportRequest { part: Some(part) }).await.unwrap();
        }
        let mut transfer = TransferServiceClient::connect(url).await.unwrap();
        let requests = tokio_stream::wrappers::ReceiverStream::new(stream);
        let mut replies = transfer.import(requests).await.unwrap().into_inner();
        until_progress(&mut replies).await;
        (replies, parts)
    });
    let open = begun.await.unwrap();
    let refused = import(&channel, header("en"), SMALL.as_bytes()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Aborted, "CONCURRENT_WRITE".to_owned()));
    import(&channel, header("other"), SMALL.as_bytes()).await.unwrap();

    // The client dies in the middle: the table can be imported again.
    runtime.shutdown_background();
    while let Err(status) = import(&channel, header("en"), b"only 1 2 3\n").await {
        assert_eq!(status.code(), Code::Aborted, "{status:?}");
        tokio::task::yield_now().await;
    }
    drop(open);
    let want = [("en".to_owned(), 1), ("other".to_owned(), 8)];
    assert_eq!(tables(&channel).await, want);
    server.stop().await;
}

#[tokio::test]
async fn answers_are_the_same_after_a_restart_and_a_deleted_table_stays_away() {
    let server = Server::start().await;
    let channel = server.channel().await;
    for table in ["en", "gone"] {
        import(&channel, header(table), SMALL.as_bytes()).await.unwrap();
    }
    let ask = || pb::NearestRequest {
        table: "en".to_owned(),
        positive: vec![word("queen")],
        ..pb::NearestRequest::default()
    };
    let before =
        SearchServiceClient::new(channel.clone()).nearest(ask()).await.unwrap().into_inner();
    let delete = pb::DeleteTableRequest { table: "gone".to_owned() };
    TableServiceClient::new(channel).delete_table(delete).await.unwrap();

    let server = Server::start_on(server.stop().await).await;
    let channel = server.channel().await;
    let after =
        SearchServiceClient::new(channel.clone()).nearest(ask()).await.unwrap().into_inner();
    assert_eq!(before, after);
    assert_eq!(tables(&channel).await, [("en".to_owned(), 8)]);
    server.stop().await;
}

/// Sends the beginning of an import and then resets the stream, as clients do that give up.
async fn give_up(server: &Server, parts: Vec<Part>) {
    let tcp = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let (requests, connection) = h2::client::handshake(tcp).await.unwrap();
    let connection = tokio::spawn(connection);
    let request =
        http::Request::post(format!("{}/wordspace.v1.TransferService/Import", server.url))
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
    let mut requests = requests.ready().await.unwrap();
    let (response, mut stream) = requests.send_request(request, false).unwrap();
    let mut frame = Vec::new();
    for part in parts {
        let message = pb::ImportRequest { part: Some(part) }.encode_to_vec();
        frame.push(0);
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
    }
    stream.send_data(frame.into(), false).unwrap();
    // The server has the frame when it begins to answer.
    let response = response.await.unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    drop((response, stream, requests));
    connection.await.unwrap().unwrap();
}

/// tonic takes a reset stream for one that came to its end, and so half a file for a whole one.
#[tokio::test]
async fn an_import_that_its_caller_gives_up_leaves_nothing() {
    let server = Server::start().await;
    let channel = server.channel().await;
    for attempt in 0..20 {
        let header = || pb::ImportHeader {
            if_exists: pb::IfExists::Error.into(),
            ..header(&format!("given-up-{attempt}"))
        };
        let beginning = Part::Chunk(SMALL.as_bytes().to_vec());
        give_up(&server, vec![Part::Header(header()), beginning]).await;
        // Until the server has noticed, another import into the table is refused.
        while let Err(status) = import(&channel, header(), b"only 1 2 3\n").await {
            assert_eq!(reason(&status), (Code::Aborted, "CONCURRENT_WRITE".to_owned()));
            tokio::task::yield_now().await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn words_that_nobody_trained_have_the_vectors_of_their_n_grams() {
    let server = Server::start().await;
    let channel = server.channel().await;
    // One bucket: every n-gram has its vector, and so has every mean of them.
    let floret = b"1 2 1 3 1 7 < >\n0 1.0 2.0\n".to_vec();
    let words = Part::File(pb::ImportFile { name: "words.txt".to_owned(), size_bytes: None });
    let parts = [
        Part::Header(header("parts")),
        Part::Chunk(floret),
        words,
        Part::Chunk(b"known\n<unk>\n".to_vec()),
    ];
    send(&channel, parts.to_vec()).await.unwrap();
    import(&channel, header("whole"), SMALL.as_bytes()).await.unwrap();
    let ask = |channel: &Channel, table: &str, oov: pb::OovPolicy| {
        let request = pb::LookupRequest {
            table: table.to_owned(),
            queries: vec![word("known"), word("unknown"), word("unknown")],
            words: Some(pb::WordOptions { oov: oov.into(), ..pb::WordOptions::default() }),
            ..pb::LookupRequest::default()
        };
        let mut tables = TableServiceClient::new(channel.clone());
        async move { tables.lookup(request).await.map(tonic::Response::into_inner) }
    };
    let made = async |channel: &Channel, oov: pb::OovPolicy| {
        let answer = ask(channel, "parts", oov).await.unwrap();
        let info = answer.answer.unwrap();
        assert_eq!((info.words.len(), info.unknown_words.len(), info.made_words.len()), (1, 0, 1));
        assert_eq!(
            (info.made_words[0].asked.as_str(), info.made_words[0].made_by()),
            ("unknown", oov)
        );
        let [known, vector, again] = answer.vectors.try_into().unwrap();
        assert!(known.found && known.made_by() == pb::OovPolicy::Unspecified);
        assert!(vector == again && !vector.found && vector.word == "unknown");
        assert_eq!(vector.made_by(), oov);
        vector.vector.unwrap().values
    };
    assert_eq!(made(&channel, pb::OovPolicy::Subword).await, [1.0, 2.0]);
    assert_eq!(made(&channel, pb::OovPolicy::Unk).await, [1.0, 2.0]);
    assert_eq!(made(&channel, pb::OovPolicy::Zero).await, [0.0, 0.0]);
    let random = made(&channel, pb::OovPolicy::Random).await;
    assert!(random.iter().all(|value| (-0.25..0.25).contains(value)), "{random:?}");
    let refused = ask(&channel, "parts", pb::OovPolicy::Error).await.unwrap_err();
    assert_eq!(reason(&refused).1, "UNKNOWN_WORDS");
    for oov in [pb::OovPolicy::Subword, pb::OovPolicy::Unk] {
        let refused = ask(&channel, "whole", oov).await.unwrap_err();
        assert_eq!(reason(&refused).1, "UNSUITED_TABLE", "{refused:?}");
    }

    // A rebuild makes a new generation of the same lineage; a restart reads the file.
    let mut tables = TableServiceClient::new(channel.clone());
    let words = vec![pb::put_vectors_request::WordToPut {
        word: "put".to_owned(),
        vector: Some(pb::Vector { values: vec![3.0, 4.0], ..Default::default() }),
        ..Default::default()
    }];
    let put = pb::PutVectorsRequest { table: "parts".to_owned(), words, ..Default::default() };
    tables.put_vectors(put).await.unwrap();
    let build = pb::BuildIndexRequest { table: "parts".to_owned(), index: None };
    tables.build_index(build).await.unwrap();
    let data = server.stop().await;
    assert_eq!(part_files(data.path(), "subwords").len(), 1);
    let server = Server::start_on(data).await;
    let channel = server.channel().await;
    assert_eq!(made(&channel, pb::OovPolicy::Subword).await, [1.0, 2.0]);
    assert_eq!(made(&channel, pb::OovPolicy::Random).await, random);
    let mut tables = TableServiceClient::new(channel.clone());
    let request = pb::GetTableRequest { table: "parts".to_owned() };
    let told = tables.get_table(request).await.unwrap().into_inner().table.unwrap();
    let subwords = told.subwords.unwrap();
    assert_eq!((subwords.min_n, subwords.max_n, subwords.bucket_count), (1, 3, 1));
    import(&channel, header("parts"), SMALL.as_bytes()).await.unwrap();
    assert_eq!(part_files(server.data.path(), "subwords").len(), 0, "nobody needs it");
    server.stop().await;
}

#[tokio::test]
async fn words_are_written_as_asked_and_provenance_is_kept() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let lines: &[&[u8]] = &[
        br#"{"word": "/c/en/Queen", "vector": [3.0, 4.0], "pos": "NN", "senses": 2, "old": true}"#,
        br#"{"word": "/c/en/queen", "vector": [1.0, 0.0]}"#,
        br#"{"word": "/c/en/rex", "vector": [0.0, 2.0], "notes": [[1]]}"#,
        br#"{"word": "x", "vector": [0.0, 0.0]}"#,
        br#"{"word": "/c/en/", "vector": [0.0, 1.0]}"#,
    ];
    let file = lines.join(b"\n".as_slice());
    let counts = b"/c/en/queen\t12\n/c/en/rex 7\nnobody 1\nno number\n".to_vec();
    let head = |dry_run| pb::ImportHeader {
        dry_run,
        on_invalid: pb::OnInvalid::Skip.into(),
        word_changes: Some(pb::WordChanges {
            rename: [("/c/en/rex".to_owned(), "King".to_owned())].into(),
            strip_prefix: "/c/en/".to_owned(),
            lowercase: true,
            add_prefix: "en:".to_owned(),
        }),
        normalize: true,
        rank: true,
        counts: "counts.txt".to_owned(),
        license: "PDDL".to_owned(),
        ..header("en")
    };
    let parts = |dry_run| {
        let counted = pb::ImportFile { name: "counts.txt".to_owned(), size_bytes: None };
        vec![
            Part::Header(head(dry_run)),
            Part::Chunk(file.clone()),
            Part::File(counted),
            Part::Chunk(counts.clone()),
        ]
    };
    let tried = send(&channel, parts(true)).await.unwrap();
    assert_eq!((tried.generation, tried.rows_read, tried.rows_kept), (0, 5, 3));
    assert_eq!(tables(&channel).await, [], "a dry run keeps nothing");
    let report = send(&channel, parts(false)).await.unwrap();
    assert_eq!((report.rows_kept, &report.reasons), (3, &tried.reasons));
    let told: Vec<_> =
        report.reasons.iter().map(|told| (told.reason.as_str(), told.count)).collect();
    let expected = [
        ("changed_word", 4),
        ("columns", 1),
        ("count_line", 1),
        ("count_without_word", 1),
        ("duplicate_word", 1),
        ("empty_word", 1),
        ("extra_field", 1),
    ];
    assert_eq!(told, expected);

    let data = server.stop().await;
    let server = Server::start_on(data).await;
    let channel = server.channel().await;
    let mut tables = TableServiceClient::new(channel.clone());
    let ask = pb::LookupRequest {
        table: "en".to_owned(),
        queries: vec![word("en:queen"), word("King"), word("en:x")],
        ..pb::LookupRequest::default()
    };
    let found = tables.lookup(ask).await.unwrap().into_inner().vectors;
    let values = |i: usize| found[i].vector.clone().unwrap().values;
    assert_eq!((values(0), values(1), values(2)), (vec![0.6, 0.8], vec![0.0, 1.0], vec![0.0, 0.0]));
    let shown = |i: usize| {
        let mut shown: Vec<_> = found[i].attributes.iter().collect();
        shown.sort_by_key(|(name, _)| *name);
        let value = |value: &pb::AttributeValue| format!("{:?}", value.value.clone().unwrap());
        shown.into_iter().map(|(name, of)| format!("{name} {}", value(of))).collect::<Vec<_>>()
    };
    let expected = [
        "count Integer(12)",
        "old Flag(true)",
        "pos Text(\"NN\")",
        "rank Integer(1)",
        "senses Integer(2)",
    ];
    assert_eq!(shown(0), expected);
    assert_eq!(shown(1), ["count Integer(7)", "rank Integer(2)"]);
    let ask = pb::GetTableRequest { table: "en".to_owned() };
    let table = tables.get_table(ask).await.unwrap().into_inner().table.unwrap();
    let told = table.provenance.unwrap();
    assert_eq!((told.license.as_str(), told.rows_read, told.sha256.len()), ("PDDL", 5, 64));
    let options = "on_invalid=skip rename=1 words strip_prefix=/c/en/ add_prefix=en: \
                   counts=counts.txt lowercase normalize rank";
    assert_eq!(told.options, options);

    let ask = |format: pb::Format, prefix: &str| pb::ExportRequest {
        table: "en".to_owned(),
        format: format.into(),
        gzip: false,
        filter: Some(pb::Filter { prefix: prefix.to_owned(), ..pb::Filter::default() }),
        guard_formulas: false,
    };
    let [array, words] =
        export_files(&channel, ask(pb::Format::Npy, "en:")).await.unwrap().try_into().unwrap();
    assert!(array.1.ends_with(&[0; 8]) && array.1.starts_with(b"\x93NUMPY"));
    assert_eq!(words, ("words.txt".to_owned(), b"en:queen\nen:x\n".to_vec()));
    let refused = export_files(&channel, ask(pb::Format::Npy, "none")).await.unwrap_err();
    assert_eq!(reason(&refused).1, "UNSUITED_TABLE");
    let formats =
        [pb::Format::Safetensors, pb::Format::Finalfusion, pb::Format::Parquet, pb::Format::Arrow];
    for format in formats {
        let files = export_files(&channel, ask(format, "K")).await.unwrap();
        let text = String::from_utf8_lossy(&files[0].1).into_owned();
        assert!(text.contains(&told.sha256) && text.contains("PDDL"), "{}", format.as_str_name());
        assert_eq!(
            files,
            export_files(&channel, ask(format, "K")).await.unwrap(),
            "the same bytes"
        );
        let report = import(&channel, header("again"), &files[0].1).await.unwrap();
        assert_eq!((report.format(), report.rows_kept), (format, 1));
    }
    let lines = export(&channel, "en", pb::Format::JsonLines, false).await;
    import(&channel, header("again"), &lines).await.unwrap();
    assert_eq!(
        export(&channel, "again", pb::Format::JsonLines, false).await,
        lines,
        "attributes too"
    );
    for format in [pb::Format::Parquet, pb::Format::Arrow] {
        let columns = export(&channel, "en", format, false).await;
        import(&channel, header("again"), &columns).await.unwrap();
        let again = export(&channel, "again", pb::Format::JsonLines, false).await;
        assert_eq!(again, lines, "{}: attributes too", format.as_str_name());
    }
    server.stop().await;
}

#[tokio::test]
async fn an_import_goes_on_where_it_broke_off() {
    let server = Server::start().await;
    let file: String = (0..2_000).map(|i| format!("w{i} 1 2 {i}\n")).collect();
    let (first, rest) = file.as_bytes().split_at(10_000);
    let head = |offset| pb::ImportHeader {
        total_bytes: Some(file.len() as u64),
        resume_offset: Some(offset),
        ..header("en")
    };
    // The client dies when the server has the first part.
    let (url, runtime) = (server.url.clone(), tokio::runtime::Runtime::new().unwrap());
    let parts = [Part::Header(head(0)), Part::Chunk(first.to_vec())];
    let begun = runtime.spawn(async move {
        let (sender, stream) = tokio::sync::mpsc::channel(4);
        for part in parts {
            sender.send(pb::ImportRequest { part: Some(part) }).await.unwrap();
        }
        let mut transfer = TransferServiceClient::connect(url).await.unwrap();
        let requests = tokio_stream::wrappers::ReceiverStream::new(stream);
        let mut replies = transfer.import(requests).await.unwrap().into_inner();
        until_progress(&mut replies).await;
        (replies, sender)
    });
    let open = begun.await.unwrap();
    runtime.shutdown_background();
    drop(open);
    let server = Server::start_on(server.stop().await).await;
    let channel = server.channel().await;
    let mut transfer = TransferServiceClient::new(channel.clone());
    let ask = pb::GetUploadRequest { table: "en".to_owned() };
    let kept = transfer.get_upload(ask.clone()).await.unwrap();
    let kept = kept.into_inner();
    assert_eq!((kept.bytes, kept.crc32), (10_000, crc32fast::hash(first)));

    let list = transfer.list_uploads(pb::ListUploadsRequest {}).await.unwrap().into_inner();
    assert_eq!((list.uploads[0].table.as_str(), list.uploads[0].bytes), ("en", 10_000));
    let status = wordspace::client::Client::connect(&server.url).await.unwrap();
    let status = status.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!((status.upload_bytes, status.spool_bytes), (10_000, 10_000));

    let refused = import(&channel, head(9_999), rest).await.unwrap_err();
    assert_eq!(reason(&refused).1, "INVALID_FIELD", "{refused:?}");
    let other = pb::ImportHeader { total_bytes: None, resume_offset: Some(1), ..header("other") };
    assert!(import(&channel, other, b"").await.is_err(), "nothing is kept there");
    let drop = pb::DeleteUploadRequest { table: "other".to_owned() };
    assert_eq!(transfer.delete_upload(drop).await.unwrap().into_inner().bytes, 0);
    let report = import(&channel, head(10_000), rest).await.unwrap();
    assert_eq!((report.rows_kept, report.bytes_read), (2_000, file.len() as u64));
    let kept = transfer.get_upload(ask.clone()).await.unwrap().into_inner();
    assert_eq!(kept.bytes, 0, "nobody needs it");
    let short = import(&channel, head(0), first).await.unwrap_err();
    assert_eq!(reason(&short).1, "MALFORMED_FILE");
    assert_eq!(transfer.get_upload(ask).await.unwrap().into_inner().bytes, 0);
    assert_eq!(tables(&channel).await, [("en".to_owned(), 2_000)]);
    server.stop().await;
}
