//! What all lists share: `skip` or `offset`, `limit`, cursors, `Link`, totals.

use serde_json::{Value, json};

use crate::harness::{Answer, MINUTE, Server, each};

/// The target of `Link: <…>; rel="next"`.
pub fn next_link(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let target = link.strip_prefix('<').and_then(|l| l.strip_suffix(">; rel=\"next\""));
    Some(target.unwrap_or_else(|| panic!("odd link {link}")).to_owned())
}

/// Follows the links from a path on, and gives all items.
pub async fn follow(server: &Server, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = server.get(&path).await.expect(200);
        items.extend(answer.json().as_array().unwrap().clone());
        next = next_link(&answer);
    }
    items
}

/// Every list of a log: path, parameter that skips, largest and default limit.
const LOGS: [(&str, &str, usize, usize); 4] = [
    ("/api/v1/metrics/", "skip", 1000, 100),
    ("/api/v1/events/audit", "skip", 1000, 100),
    ("/api/v1/events/", "offset", 500, 50),
    ("/api/v1/agent-activity", "offset", 500, 100),
];

/// A server with so many metrics and as many audit records, that of a registration included; every third at the time of the one before it.
async fn filled(count: usize) -> Server {
    let server = Server::start().await;
    server.create("coder").await;
    for (path, member, at, count) in [
        ("/api/v1/metrics/batch", "metric_type", "recorded_at", count),
        ("/api/v1/events/ingest/batch", "operation_type", "timestamp", count.saturating_sub(1)),
    ] {
        let item = |n: usize| {
            let time = server.at(-MINUTE + i64::try_from(n - usize::from(n % 3 == 2)).unwrap());
            json!({"agent_id": "coder", member: if n.is_multiple_of(5) { "fifth" } else { "other" }, at: time})
        };
        for from in (0..count).step_by(10_000) {
            let items: Vec<_> = (from..count.min(from + 10_000)).map(item).collect();
            let report = server.post(path, &items.into()).await.expect(201).json();
            assert_eq!(report["rejected"], json!([]));
        }
    }
    server
}

#[tokio::test]
async fn a_page_is_the_newest_first_and_links_to_the_next() {
    let server = filled(130).await;
    for (path, skip, _, default) in LOGS {
        let answer = server.get(path).await.expect(200);
        assert_eq!(answer.json().as_array().unwrap().len(), default, "{path}");
        assert_eq!(answer.header("x-total-count"), Some("130"), "{path}");
        assert_eq!(answer.header("x-total-at-least"), None, "{path}");

        let all = server.json(&format!("{path}?limit=200")).await;
        let all = all.as_array().unwrap();
        let times: Vec<_> =
            all.iter().map(|i| i.get("timestamp").unwrap_or(&i["recorded_at"]).as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "{path}");
        assert_eq!(next_link(&server.get(&format!("{path}?limit=130")).await), None, "{path}");

        for limit in [1, 7, 129, 130] {
            assert_eq!(&follow(&server, &format!("{path}?limit={limit}")).await, all, "{path} by {limit}");
        }
        for skipped in [1, 64, 129, 130, 131] {
            let rest = follow(&server, &format!("{path}?{skip}={skipped}&limit=50")).await;
            assert_eq!(rest, all[skipped.min(130)..], "{path} without {skipped}");
        }
    }
}

#[tokio::test]
async fn a_link_keeps_the_filters_and_drops_the_position() {
    let server = filled(40).await;
    let answer =
        server.get("/api/v1/events/audit?operation_type=fifth&skip=2&limit=3&q=%66ifth").await.expect(200);
    assert_eq!(answer.header("x-total-count"), Some("8"));
    let next = next_link(&answer).unwrap();
    assert!(
        next.starts_with("/api/v1/events/audit?operation_type=fifth&limit=3&q=%66ifth&cursor="),
        "{next}"
    );
    assert_eq!(follow(&server, &next).await.len(), 3);
}

#[tokio::test]
async fn what_is_new_does_not_move_the_pages_that_follow() {
    let server = filled(20).await;
    let first = server.get("/api/v1/events/audit?limit=10").await.expect(200);
    server.ingest(&json!({"agent_name": "coder"})).await;
    let rest = follow(&server, &next_link(&first).unwrap()).await;
    let mut seqs: Vec<_> = each(&first.json(), "seq").into_iter().map(|s| s.as_u64().unwrap()).collect();
    seqs.extend(rest.iter().map(|r| r["seq"].as_u64().unwrap()));
    seqs.sort_unstable();
    assert_eq!(seqs, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn parameters_have_bounds() {
    let server = filled(3).await;
    for (path, skip, most, _) in LOGS {
        for good in [format!("limit={most}"), "limit=1".into(), format!("{skip}=100000"), format!("{skip}=0")]
        {
            server.get(&format!("{path}?{good}")).await.expect(200);
        }
        for (parameter, value) in [
            ("limit", "0"),
            ("limit", &*(most + 1).to_string()),
            ("limit", "ten"),
            ("limit", "-5"),
            ("limit", "1e3x"),
            ("limit", "99999999999999999999"),
            (skip, "-1"),
            (skip, "x"),
            ("cursor", "nonsense"),
            ("cursor", "1.2.x"),
            // Numbers have more forms than cursors: these were read as some that nobody had given.
            ("cursor", "%2B1.%2B2"),
            ("cursor", "01.2"),
        ] {
            let errors = server.get(&format!("{path}?{parameter}={value}")).await.expect(422).errors();
            assert_eq!(errors.len(), 1, "{path} {parameter}={value}");
            assert_eq!(errors[0].0, format!("query.{parameter}"), "{path} {value}");
        }
        let problem = server.get(&format!("{path}?{skip}=100001")).await.expect(422);
        assert_eq!(problem.errors(), [(format!("query.{skip}"), "range".to_owned())]);
        assert!(problem.json()["detail"].as_str().unwrap().contains("cursor"), "{path}");
    }
}

#[tokio::test]
async fn what_takes_long_to_count_is_counted_in_part() {
    let server = filled(10_500).await;
    // A tally holds these, or the end of a posting list.
    for (path, total) in [
        ("/api/v1/events/audit?limit=1&agent_id=coder", "10499"),
        ("/api/v1/agent-activity?limit=1", "10500"),
        ("/api/v1/events/audit?limit=1", "10500"),
        ("/api/v1/events/audit?limit=1&operation_type=fifth", "2100"),
        ("/api/v1/metrics/?limit=1&agent_id=coder&metric_type=fifth", "2100"),
    ] {
        assert_eq!(server.get(path).await.expect(200).header("x-total-count"), Some(total), "{path}");
    }
    for path in [
        "/api/v1/events/audit?limit=1&agent_id=coder&start_date=2026-11-22",
        "/api/v1/metrics/?limit=1&start_date=2026-11-22",
        "/api/v1/agent-activity?limit=1&agent_id=coder",
    ] {
        let answer = server.get(path).await.expect(200);
        assert_eq!(answer.header("x-total-count"), None, "{path}");
        let least: u64 = answer.header("x-total-at-least").unwrap().parse().unwrap();
        assert!((9_000..=10_500).contains(&least), "{path}: {least}");
    }
}

#[tokio::test]
async fn a_rare_match_is_found_through_short_pages() {
    let server = filled(0).await;
    server
        .ingest(
            &json!({"agent_name": "coder", "operation_detail": "needle", "timestamp": server.at(-MINUTE)}),
        )
        .await;
    for _ in 0..3 {
        let hay: Vec<_> = (0..9_000).map(|_| json!({"agent_name": "coder"})).collect();
        server.post("/api/v1/events/ingest/batch", &hay.into()).await.expect(201);
    }
    let first = server.get("/api/v1/events/audit?q=needle").await.expect(200);
    assert_eq!(first.json(), json!([]));
    assert_eq!(first.header("x-total-count"), None);
    assert!(next_link(&first).is_some());
    let found = follow(&server, "/api/v1/events/audit?q=needle").await;
    assert_eq!(each(&found.into(), "seq"), [1]);
}
