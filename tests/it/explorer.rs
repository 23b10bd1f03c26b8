//! The page for browsers, and the map that it shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use std::io::Read as _;
use tonic::codegen::http;
use wordspace::proto as pb;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::server::access::{KeyFile, NewKey, Role};

use crate::http::{Answer, address, ask, ask_http2, get, start};
use crate::support::{SMALL, Server, header, import, word};

/// Paths that a page names.
fn named(text: &str, before: &str) -> Vec<String> {
    text.split(before).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

#[tokio::test]
async fn the_page_comes_with_all_that_it_needs_from_this_server_alone() {
    let (server, _) = start().await;
    let page = get(&server, "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = &page.headers["content-security-policy"];
    for part in
        ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    let html = String::from_utf8(page.body.clone()).unwrap();
    let mut paths: BTreeSet<String> = named(&html, "href=\"").into_iter().collect();
    paths.extend(named(&html, "src=\""));
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_first() {
        if path.starts_with('#') || !seen.insert(path.clone()) {
            continue;
        }
        let file = get(&server, &format!("/{path}")).await;
        let kind = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        };
        assert_eq!((file.status, file.headers["content-type"].as_str()), (200, kind), "{path}");
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        // Packed it is shorter, and the same; whoever has it is told so in a few bytes.
        let head = format!("GET /{path}");
        let packed = ask(&server, &head, &["accept-encoding: br, gzip"], b"").await;
        let mut unpacked = Vec::new();
        if packed.headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
            GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
            assert!(packed.body.len() < file.body.len());
            assert_ne!(packed.headers["etag"], file.headers["etag"]);
        } else {
            unpacked.clone_from(&packed.body);
        }
        assert_eq!(unpacked, file.body, "{path}");
        let known = format!("if-none-match: \"other\", {}", file.headers["etag"]);
        let again = ask(&server, &head, &[&known], b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        let text = String::from_utf8_lossy(&file.body).into_owned();
        let modules = text.split("from './").skip(1).filter_map(|rest| rest.split('\'').next());
        paths.extend(modules.map(|module| format!("explorer/{module}")));
    }
    assert!(seen.len() > 15, "{seen:?}");
    let request = http::Request::get("http://x/").body(()).unwrap();
    let (head, body) = ask_http2(&server, request, Vec::new()).await;
    assert_eq!((head.status(), body), (http::StatusCode::OK, page.body));
    let posted = ask(&server, "POST /", &["content-type: application/json"], b"{}").await;
    assert_eq!((posted.status, posted.headers["allow"].as_str()), (405, "GET"));
    assert_eq!(get(&server, "/explorer/none.js").await.status, 404);
    assert_eq!(get(&server, "/explorer/../index.html").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn the_page_needs_no_key_and_its_questions_do() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let new = NewKey {
        name: "page".to_owned(),
        role: Role::Read,
        tables: vec!["en".to_owned()],
        lifetime: None,
        calls_per_second: None,
        jobs: None,
        certificate: None,
    };
    let server = Server::start_on(Arc::clone(&data)).await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    import(&channel, header("de"), SMALL.as_bytes()).await.unwrap();
    let own = address(&server);
    let page_asks = async |server: &Server, host: &str, key: Option<&str>| {
        let mut request = http::Request::post(format!("http://{host}/v1/tables/en/nearest"))
            .header("origin", format!("http://{host}"))
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = b"{\"positive\":[{\"word\":\"king\"}]}".to_vec();
        let (head, body) = ask_http2(server, request.body(()).unwrap(), body).await;
        (head.status().as_u16(), String::from_utf8(body).unwrap())
    };
    // Without keys only an address that stands for this machine alone is the page's own.
    assert_eq!(page_asks(&server, &own, None).await.0, 200);
    let (status, told) = page_asks(&server, "evil.example:50051", None).await;
    assert!(status == 403 && told.contains("--cors-origin"), "{status} {told}");
    server.stop().await;

    let key = KeyFile::of_folder(data.path()).make(new).unwrap().0.unwrap();
    let server = Server::start_on(data).await;
    assert_eq!(get(&server, "/").await.status, 200);
    assert_eq!(get(&server, "/explorer/app.js").await.status, 200);
    let own = address(&server);
    assert_eq!(page_asks(&server, &own, None).await.0, 401);
    assert_eq!(page_asks(&server, &own, Some(&key)).await.0, 200);
    assert_eq!(page_asks(&server, "words.example:50051", Some(&key)).await.0, 200);
    let bearer = format!("authorization: Bearer {key}");
    let map = async |table: &str, headers: &[&str]| -> Answer {
        ask(&server, &format!("GET /v1/tables/{table}/map.bin"), headers, b"").await
    };
    assert_eq!(map("en", &[]).await.status, 401);
    assert_eq!(map("de", &[&bearer]).await.status, 403);
    assert_eq!(map("en", &[&bearer]).await.status, 200);
    server.stop().await;
}

/// The first two principal components of the rows at length 1, less their mean: deflated power iteration.
fn oracle(rows: &[[f64; 3]]) -> Vec<[f64; 2]> {
    let count = rows.len() as f64;
    let units: Vec<[f64; 3]> = rows
        .iter()
        .map(|row| {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.map(|x| x / length)
        })
        .collect();
    let mean = [0, 1, 2].map(|i| units.iter().map(|unit| unit[i]).sum::<f64>() / count);
    let mut rest: Vec<[f64; 3]> =
        units.iter().map(|unit| [0, 1, 2].map(|i| unit[i] - mean[i])).collect();
    let mut places = vec![[0.0; 2]; rows.len()];
    let dot = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    for component in 0..2 {
        let mut axis = [0.6, 0.5, 0.4];
        for _ in 0..2_000 {
            let mut next = [0.0; 3];
            for row in &rest {
                let along = dot(row, &axis);
                (0..3).for_each(|i| next[i] += along * row[i]);
            }
            let length = dot(&next, &next).sqrt();
            axis = next.map(|x| x / length);
        }
        let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        let axis = axis.map(|x| x * largest.signum());
        for (row, place) in rest.iter_mut().zip(&mut places) {
            let along = dot(row, &axis);
            place[component] = along;
            (0..3).for_each(|i| row[i] -= along * axis[i]);
        }
    }
    places
}

#[tokio::test]
async fn the_map_is_the_projection_on_two_components_and_changes_with_the_table() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let rows: Vec<[f64; 3]> = (0..40)
        .map(|i| {
            let turn = f64::from(i) * 0.7;
            [3.0 + turn.sin() * 4.0, turn.cos() * 2.0, f64::from(i % 7) * 0.25 - 0.5]
        })
        .collect();
    let mut file: String =
        rows.iter().enumerate().map(|(i, [x, y, z])| format!("w{i} {x} {y} {z}\n")).collect();
    file += "nothing 0 0 0\n";
    import(&channel, header("en"), file.as_bytes()).await.unwrap();

    let mut tables = TableServiceClient::new(channel);
    let request = pb::MapRequest { table: "en".to_owned(), ..Default::default() };
    let map = tables.map(request.clone()).await.unwrap().into_inner();
    assert_eq!((map.row_count, map.placed_count, map.component_row_count), (41, 40, 40));
    assert_eq!(map.places.len(), 41 * 8);
    let number = |bytes: &[u8]| f64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let longest = rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt());
    let longest = longest.fold(0.0, f64::max);
    assert!((f64::from(map.length_max) - longest).abs() < 1e-5);
    for ((wanted, row), place) in oracle(&rows).iter().zip(&rows).zip(map.places.chunks(8)) {
        for (axis, wanted) in wanted.iter().enumerate() {
            let got = (number(&place[2 * axis..]) - 32_767.0) / 32_767.0 * map.scale;
            assert!((got - wanted).abs() < 1e-4, "{wanted} {got}");
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt() / longest;
        assert!((number(&place[4..]) / 65_535.0 - length).abs() < 1e-4);
        assert!(usize::from(place[6]) < map.clusters.len());
    }
    let nowhere = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    assert_eq!(map.places[320..], nowhere, "zeros have no direction");
    let members: u32 = map.clusters.iter().map(|cluster| cluster.row_count).sum();
    assert_eq!(members, 40);

    // The same bytes in JSON, and alone.
    let path = "/v1/tables/en/map";
    let told = get(&server, path).await.json();
    assert_eq!(STANDARD.decode(told["places"].as_str().unwrap()).unwrap(), map.places);
    let without = get(&server, &format!("{path}?without_places=true")).await.json();
    assert_eq!((&without["row_count"], without.get("places")), (&41.into(), None));
    let alone = get(&server, &format!("{path}.bin")).await;
    assert_eq!((alone.status, &alone.body), (200, &map.places));
    assert_eq!(alone.headers["content-type"], "application/octet-stream");
    let tag = format!("if-none-match: {}", alone.headers["etag"]);
    let head = format!("GET {path}.bin");
    let again = ask(&server, &head, &[&tag], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(get(&server, "/v1/tables/no/map.bin").await.reason(), "TABLE_NOT_FOUND");

    // After writes it is another one: a row goes, and one comes.
    let gone = pb::DeleteWordsRequest {
        table: "en".to_owned(),
        queries: vec![word("w3")],
        ..Default::default()
    };
    tables.delete_words(gone).await.unwrap();
    let vector = pb::Vector { values: vec![1.0, 2.0, 3.0], ..Default::default() };
    let put = WordToPut { word: "new".to_owned(), vector: Some(vector), ..Default::default() };
    let put = pb::PutVectorsRequest { table: "en".to_owned(), words: vec![put], mode: 0 };
    let sequence = tables.put_vectors(put).await.unwrap().into_inner().sequence;
    let after = ask(&server, &head, &[&tag], b"").await;
    assert_eq!((after.status, after.body.len()), (200, 42 * 8));
    assert_eq!(after.body[3 * 8..4 * 8], nowhere);
    assert_ne!(after.body[41 * 8..41 * 8 + 4], nowhere[..4]);
    assert_eq!(after.headers["wordspace-sequence"], sequence.to_string());
    let map = tables.map(request).await.unwrap().into_inner();
    assert_eq!(map.answer.unwrap().sequence, sequence);
    server.stop().await;
}
