//! The page for browsers, and the map that it shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use std::io::Read as _;
use tonic::codegen::http;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::server::ServerConfig;
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

/// Six groups of directions that lie close to each other, none near another, in no order.
fn groups() -> String {
    let number = |seed: u32| {
        let mixed = seed.wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
        f64::from((mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 8) / f64::from(1 << 24)
            - 0.5
    };
    let row = |row: u32| {
        let values = (0..12)
            .map(|axis| number(row % 6 * 1_000 + axis) + 0.25 * number(90_000 + row * 12 + axis));
        values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
    };
    (0..300).map(|number| format!("w{number} {}\n", row(number))).collect()
}

/// Of how many of the five that are nearest on a map each row's group is.
fn alike(places: &[u8]) -> f64 {
    let number = |bytes: &[u8]| f64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let at: Vec<[f64; 2]> =
        places.chunks(8).map(|row| [number(row), number(&row[2..])]).take(300).collect();
    let gap = |a: usize, b: usize| (at[a][0] - at[b][0]).hypot(at[a][1] - at[b][1]);
    let of = |own: usize| {
        let mut others: Vec<usize> = (0..at.len()).filter(|&other| other != own).collect();
        others.sort_by(|&a, &b| gap(own, a).total_cmp(&gap(own, b)));
        others[..5].iter().filter(|&other| other % 6 == own % 6).count()
    };
    (0..at.len()).map(|own| of(own) as f64 / 5.0).sum::<f64>() / at.len() as f64
}

#[tokio::test]
async fn words_arranged_by_neighbors_stay_beside_their_rows_until_there_are_others() {
    let (data, place) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let config = || ServerConfig {
        index_threads: 1,
        backups: Some(place.path().to_str().unwrap().to_owned()),
        ..ServerConfig::new(data.path())
    };
    let server = Server::start_as(Arc::clone(&data), config()).await;
    let client = Client::connect(&server.url).await.unwrap();
    import(&server.channel().await, header("en"), groups().as_bytes()).await.unwrap();
    let asked = |table: &str| pb::MapRequest {
        table: table.to_owned(),
        layout: pb::MapLayout::Neighbors.into(),
        ..Default::default()
    };
    let arrange = |seed, again| pb::ArrangeMapRequest {
        table: "en".to_owned(),
        seed,
        again,
        ..Default::default()
    };
    let refused = |answer: Result<pb::MapResponse, CallError>| match answer {
        Err(CallError::Refused(refusal)) => refusal.reason,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(refused(client.map(asked("en")).await), "UNSUITED_TABLE");
    let jobs = client.list_jobs(pb::ListJobsRequest::default()).await.unwrap().jobs;
    assert!(jobs.iter().all(|job| job.kind() != pb::JobKind::ArrangeMap), "asking starts nothing");

    let mut shares = Vec::new();
    let told = |now: &pb::JobProgress| shares.push((now.done, now.total));
    let report = client.arrange_map(arrange(0, false), told).await.unwrap();
    assert_eq!((report.placed_count, report.was_there, report.sequence), (300, false, 0));
    assert!(shares.iter().all(|&(done, total)| total.is_none_or(|total| done <= total)));
    let map = client.map(asked("en")).await.unwrap();
    let by_components =
        client.map(pb::MapRequest { table: "en".to_owned(), ..Default::default() }).await.unwrap();
    assert!(alike(&map.places) > 0.95, "{}", alike(&map.places));
    assert!(alike(&by_components.places) < alike(&map.places));
    assert_eq!(map.clusters, by_components.clusters);
    let again = client.arrange_map(arrange(0, false), |_| {}).await.unwrap();
    assert!(again.was_there && again.seconds.to_bits() == report.seconds.to_bits(), "{again:?}");
    let other = client.arrange_map(arrange(8, false), |_| {}).await.unwrap();
    assert!(!other.was_there);
    assert_ne!(client.map(asked("en")).await.unwrap().places, map.places);
    client.arrange_map(arrange(0, true), |_| {}).await.unwrap();
    assert_eq!(client.map(asked("en")).await.unwrap().places, map.places, "the seed decides");

    // It is there after a restart, and comes back with a backup.
    client.backup(pb::BackupRequest::default(), |_| {}).await.unwrap();
    drop(client);
    server.stop().await;
    let server = Server::start_as(Arc::clone(&data), config()).await;
    let client = Client::connect(&server.url).await.unwrap();
    assert_eq!(client.map(asked("en")).await.unwrap().places, map.places);
    let bytes = get(&server, "/v1/tables/en/map.bin?layout=MAP_LAYOUT_NEIGHBORS").await;
    assert_eq!((bytes.status, &bytes.body), (200, &map.places));
    let request = pb::RestoreRequest {
        tables: vec!["en".to_owned()],
        new_name: "back".to_owned(),
        ..Default::default()
    };
    client.restore(request, |_| {}).await.unwrap();
    assert_eq!(client.map(asked("back")).await.unwrap().places, map.places);

    // A word that is written stands among its like, all others where they were; one that goes is nowhere.
    let line = groups().lines().nth(4).unwrap().to_owned();
    let values: Vec<f32> = line.split(' ').skip(1).map(|value| value.parse().unwrap()).collect();
    let vector = pb::Vector { values, ..Default::default() };
    let put = WordToPut { word: "new".to_owned(), vector: Some(vector), ..Default::default() };
    let put = pb::PutVectorsRequest { table: "en".to_owned(), words: vec![put], mode: 0 };
    client.put_vectors(put).await.unwrap();
    let gone = pb::DeleteWordsRequest {
        table: "en".to_owned(),
        queries: vec![word("w7")],
        ..Default::default()
    };
    client.delete_words(gone).await.unwrap();
    let after = client.map(asked("en")).await.unwrap();
    assert_eq!((after.row_count, after.placed_count), (301, 300));
    let spot = |map: &pb::MapResponse, row: usize| -> [f64; 2] {
        let axis = |axis: usize| {
            let at = row * 8 + axis * 2;
            f64::from(u16::from_le_bytes([map.places[at], map.places[at + 1]])) - 32_767.0
        };
        [axis(0) * map.scale, axis(1) * map.scale]
    };
    let gap = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let new = spot(&after, 300);
    let nearest = (0..300)
        .filter(|&row| row != 7)
        .min_by(|&a, &b| gap(spot(&after, a), new).total_cmp(&gap(spot(&after, b), new)));
    assert_eq!(nearest.unwrap() % 6, 4, "it is not among its like");
    assert!(
        (0..300)
            .filter(|&row| row != 7)
            .all(|row| gap(spot(&map, row), spot(&after, row)) < 8.0 * map.scale)
    );
    assert_eq!(after.places[56..60], [0xff; 4]);

    // Other rows have to be arranged, too; and what is stopped leaves nothing.
    let replaced = pb::ImportHeader { if_exists: pb::IfExists::Replace.into(), ..header("en") };
    import(&server.channel().await, replaced, groups().as_bytes()).await.unwrap();
    assert_eq!(refused(client.map(asked("en")).await), "UNSUITED_TABLE");
    let missing = pb::ArrangeMapRequest { table: "none".to_owned(), ..Default::default() };
    let missing = client.arrange_map(missing, |_| {}).await.unwrap_err();
    assert!(matches!(missing, CallError::Refused(refusal) if refusal.reason == "TABLE_NOT_FOUND"));
    let stopped = pb::ArrangeMapRequest { detach: true, ..arrange(0, false) };
    let stopped = client.arrange_map(stopped, |_| {}).await;
    let Err(CallError::Detached(id)) = stopped else { panic!("{stopped:?}") };
    client.cancel_job(pb::CancelJobRequest { id, keep: false }).await.unwrap();
    let last = client.watch_job(id, |_| {}).await.unwrap();
    let is_there = client.map(asked("en")).await.is_ok();
    assert_eq!(is_there, last.state() == pb::JobState::Done, "{last:?}");
    server.stop().await;
}
