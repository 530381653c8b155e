//! What proves the audit trail, verified by a stranger's code.

use serde_json::{Value, json};

use crate::events::AUDIT;
use crate::harness::{Answer, Server};
use crate::verifier::{self, Hash, check_checkpoint, check_growth, check_proof, leaf, root};

/// Records that differ, `count` of them, a batch at a time.
async fn grow(server: &Server, from: u64, count: u64) {
    let events: Vec<Value> = (from..from + count)
        .map(|n| json!({"agent_name": format!("a\u{0}\"ü{n}"), "cost_usd": 0.1 * f64::from(u32::try_from(n).unwrap()), "context": {"n": n, "session_id": "x"}}))
        .collect();
    if !events.is_empty() {
        let answer = server.post("/api/v1/events/ingest/batch", &json!(events)).await.expect(201).json();
        assert_eq!(answer["accepted"], json!(count));
    }
}

async fn key(server: &Server) -> String {
    let answer = server.get(&format!("{AUDIT}/public-key")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    answer.text()
}

async fn head(server: &Server) -> verifier::Head {
    let answer = server.get(&format!("{AUDIT}/checkpoint")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    check_checkpoint(&answer.text(), &key(server).await).unwrap()
}

#[tokio::test]
async fn an_empty_trail_has_a_checkpoint() {
    let server = Server::start().await;
    let empty = head(&server).await;
    assert_eq!((empty.size, empty.root), (0, root(&[])));
    let grown = server.json(&format!("{AUDIT}/consistency?from=0")).await;
    assert_eq!(check_growth(&grown, &empty, &key(&server).await).unwrap(), empty);
    server.get(&format!("{AUDIT}/0/proof")).await.expect(404);
    server.get(&format!("{AUDIT}/log/tile/0/000.p/1")).await.expect(404);
}

#[tokio::test]
async fn every_record_is_proved_to_be_in_every_tree_that_holds_it() {
    let server = Server::start().await;
    let key = key(&server).await;
    grow(&server, 0, 40).await;
    for seq in 0..40 {
        let proof = server.get(&format!("{AUDIT}/{seq}/proof")).await.expect(200).text();
        assert_eq!(check_proof(&proof, &key).unwrap(), head(&server).await, "{seq}");
    }
    for size in 8..=40 {
        let proof = server.get(&format!("{AUDIT}/7/proof?size={size}")).await.expect(200).text();
        assert_eq!(check_proof(&proof, &key).unwrap().size, size);
    }
    // By id as well, and not by the id of another.
    let record = server.json(&format!("{AUDIT}/7")).await;
    let id = record["audit_id"].as_str().unwrap();
    let proof = server.get(&format!("{AUDIT}/{id}/proof")).await.expect(200);
    assert_eq!(proof.json()["record"], record);
    server.get(&format!("{AUDIT}/{}/proof", id.replacen(&id[..1], "_", 1))).await.expect(404);
    for (path, status) in [
        ("40/proof", 404),
        ("x/proof", 404),
        ("18446744073709551615/proof", 404),
        ("7/proof?size=7", 422),
        ("7/proof?size=41", 422),
        ("7/proof?size=0", 422),
        ("7/proof?size=-1", 422),
        ("7/proof?size=x", 422),
        ("7/other", 404),
    ] {
        server.get(&format!("{AUDIT}/{path}")).await.expect(status);
    }
}

#[tokio::test]
async fn a_proof_that_says_anything_else_is_none() {
    let server = Server::start().await;
    let key = key(&server).await;
    grow(&server, 0, 11).await;
    let proof = server.get(&format!("{AUDIT}/5/proof")).await.expect(200).text();
    check_proof(&proof, &key).unwrap();
    let mut tried = 0;
    for at in 0..proof.len() {
        let mut other = proof.clone().into_bytes();
        other[at] ^= 1;
        let Ok(other) = String::from_utf8(other) else { continue };
        let Ok(value) = serde_json::from_str::<Value>(&other) else { continue };
        // What says the same in other words, and the root beside the checkpoint, which nobody needs, prove nothing.
        let before: Value = serde_json::from_str(&proof).unwrap();
        let root_alone = value["root_hash"] != before["root_hash"];
        if value != before && !root_alone {
            assert!(check_proof(&other, &key).is_err(), "{at}: {other}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

#[tokio::test]
async fn any_two_sizes_are_proved_consistent() {
    let server = Server::start().await;
    let key = key(&server).await;
    let mut heads = vec![head(&server).await];
    for n in 0..20 {
        grow(&server, n, 1).await;
        heads.push(head(&server).await);
    }
    for from in 0..=20 {
        for to in from..=20 {
            let answer = server.json(&format!("{AUDIT}/consistency?from={from}&to={to}")).await;
            let kept = &heads[from];
            assert_eq!(&check_growth(&answer, kept, &key).unwrap(), &heads[to], "{from} {to}");
            // It is no proof for a tree of the same size that is another.
            if from > 0 {
                let other = verifier::Head { size: kept.size, root: leaf(b"other") };
                check_growth(&answer, &other, &key).unwrap_err();
            }
        }
    }
    for query in ["", "?from=21", "?from=0&to=21", "?from=3&to=2", "?from=-1", "?to=3", "?from=1e3"] {
        server.get(&format!("{AUDIT}/consistency{query}")).await.expect(422);
    }
}

#[tokio::test]
async fn tiles_are_what_the_checkpoint_is_of() {
    let server = Server::start().await;
    grow(&server, 0, 1000).await;
    let log = format!("{AUDIT}/log");
    let checkpoint = server.get(&format!("{log}/checkpoint")).await.expect(200);
    let head = check_checkpoint(&checkpoint.text(), &key(&server).await).unwrap();
    assert_eq!(head.size, 1000);
    let hashes = |answer: &Answer| -> Vec<Hash> {
        answer.bytes.chunks(32).map(|hash| hash.try_into().unwrap()).collect()
    };
    let (mut leaves, mut tops): (Vec<Hash>, Vec<Hash>) = (Vec::new(), Vec::new());
    for (n, width) in [(0, 256), (1, 256), (2, 256), (3, 232)] {
        let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
        let tile = server.get(&format!("{log}/tile/0/{n:03}{partial}")).await.expect(200);
        assert_eq!(tile.header("content-type"), Some("application/octet-stream"));
        assert_eq!(tile.header("cache-control"), Some("max-age=31536000, immutable"));
        let tile = hashes(&tile);
        assert_eq!(tile.len(), width);
        let bundle = server.get(&format!("{log}/tile/entries/{n:03}{partial}")).await.expect(200);
        let entries = bundle.bytes.chunks(34).map(|entry| {
            assert_eq!(entry[..2], [0, 32]);
            leaf(&entry[2..])
        });
        assert_eq!(entries.collect::<Vec<_>>(), tile);
        if width == 256 {
            tops.push(root(&tile));
        }
        leaves.extend(tile);
    }
    assert_eq!(root(&leaves), head.root);
    let above = server.get(&format!("{log}/tile/1/000.p/3")).await.expect(200);
    assert_eq!(hashes(&above), tops);
    // A tile that was once at the end is still there.
    let part = server.get(&format!("{log}/tile/0/003.p/7")).await.expect(200);
    assert_eq!(hashes(&part), leaves[768..775]);
    for path in [
        "0/003",
        "0/003.p/233",
        "0/004.p/1",
        "1/000",
        "1/000.p/4",
        "2/000.p/1",
        "0/3",
        "0/x000/001",
        "entries/004.p/1",
        "0/001.p/0",
        "0/001.p/256",
        "64/000",
        "x",
        "0/x999/x999/x999/x999/x999/x999/999",
    ] {
        server.get(&format!("{log}/tile/{path}")).await.expect(404);
    }
}

#[tokio::test]
async fn checkpoints_are_of_what_is_answered_and_stay_when_the_server_starts_again() {
    use agentmap::config::Config;
    use agentmap::store::Location;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.redb");
    let server = Server::start_with(Config::defaults(), Location::File(data.clone())).await;
    grow(&server, 0, 300).await;
    let (kept, vkey) = (head(&server).await, key(&server).await);
    assert_eq!(kept.size, 300);
    server.app.close();
    server.stop().await;
    let server = Server::start_with(Config::defaults(), Location::File(data)).await;
    assert_eq!(key(&server).await, vkey);
    assert_eq!(head(&server).await, kept);
    grow(&server, 300, 1).await;
    let grown = server.json(&format!("{AUDIT}/consistency?from=300")).await;
    assert_eq!(check_growth(&grown, &kept, &vkey).unwrap().size, 301);
}

#[tokio::test]
async fn what_is_left_of_a_pruned_trail_is_proved() {
    use agentmap::retention::retain;

    let server = Server::start().await;
    grow(&server, 0, 600).await;
    let (kept, vkey) = (head(&server).await, key(&server).await);
    retain(&server.app).await.unwrap();
    server.advance(91 * crate::harness::DAY);
    assert_eq!(retain(&server.app).await.unwrap().audit, 512);
    // What was removed is told by the next record.
    let grown = server.json(&format!("{AUDIT}/consistency?from=600")).await;
    assert_eq!(check_growth(&grown, &kept, &vkey).unwrap().size, 601);
    let kept = head(&server).await;
    for seq in [512, 513, 600] {
        let proof = server.get(&format!("{AUDIT}/{seq}/proof")).await.expect(200).text();
        assert_eq!(check_proof(&proof, &vkey).unwrap(), kept, "{seq}");
    }
    let gone = server.get(&format!("{AUDIT}/511/proof")).await.expect(410).json();
    assert!(gone["detail"].as_str().unwrap().contains("512"), "{gone}");
    // Roots at the edges of tiles are kept for ever; between them they went with the records.
    for (from, status) in [(0, 200), (256, 200), (511, 422), (512, 200), (513, 200)] {
        server.get(&format!("{AUDIT}/consistency?from={from}")).await.expect(status);
    }
    for (tile, status) in [
        ("0/000", 410),
        ("0/001", 410),
        ("0/002.p/88", 200),
        ("entries/001", 410),
        ("entries/002.p/1", 200),
        ("1/000.p/2", 200),
        ("0/003", 404),
    ] {
        server.get(&format!("{AUDIT}/log/tile/{tile}")).await.expect(status);
    }
}
