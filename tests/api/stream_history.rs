//! `/api/v1/events/stream`: the stream's kept events, read over HTTP.

use agentmap::domain::command::Action;
use agentmap::domain::pruning::Prune;
use serde_json::{Value, json};

use crate::harness::{MINUTE, Server, each};

const HISTORY: &str = "/api/v1/events/stream";

/// Twenty operations of two agents, a minute apart, after the two events of their creation.
async fn told() -> Server {
    let server = Server::start().await;
    server.create("coder").await;
    server.create("writer").await;
    for n in 1..=20 {
        server.advance(MINUTE);
        let agent = if n % 4 == 0 { "writer" } else { "coder" };
        let decision = if n % 5 == 0 { "denied" } else { "allowed" };
        let session = format!("s-{}", n % 2);
        server.ingest(&json!({"agent_name": agent, "rbac_decision": decision, "session_id": session})).await;
    }
    server
}

/// Whether an event is among those asked for.
type Holds<'a> = &'a dyn Fn(&Value) -> bool;

fn seqs(page: &Value) -> Vec<u64> {
    each(&page["events"], "seq").into_iter().map(|seq| seq.as_u64().unwrap()).collect()
}

#[tokio::test]
async fn pages_hold_the_frames_of_the_stream() {
    let server = told().await;
    let all = server.events_after(0).await;
    let page = server.json(HISTORY).await;
    let wanted =
        json!({"first_kept": 1, "last_seq": 22, "events": all, "next_since": null, "previous_before": null});
    assert_eq!(page, wanted);
    for (query, from, to, next, previous) in [
        ("limit=5", 18, 22, json!(null), json!(18)),
        ("since=0&limit=5", 1, 5, json!(5), json!(null)),
        ("since=5&limit=5", 6, 10, json!(10), json!(6)),
        ("since=20", 21, 22, json!(null), json!(21)),
        ("since=21&limit=1", 22, 22, json!(null), json!(22)),
        ("since=22", 23, 22, json!(null), json!(23)),
        ("since=9000", 23, 22, json!(null), json!(23)),
        ("before=23&limit=3", 20, 22, json!(null), json!(20)),
        ("before=9000&limit=3", 20, 22, json!(null), json!(20)),
        ("before=20&limit=3", 17, 19, json!(19), json!(17)),
        ("before=4&limit=3", 1, 3, json!(3), json!(null)),
        ("before=1", 1, 0, json!(0), json!(null)),
        ("at=2026-11-22T12:00:00Z&limit=2", 1, 2, json!(2), json!(null)),
        ("at=2026-11-22T12:10:00Z&limit=2", 12, 13, json!(13), json!(12)),
        ("at=2026-11-22T12:10:00.000001Z&limit=2", 13, 14, json!(14), json!(13)),
        ("at=2020-01-01&limit=1", 1, 1, json!(1), json!(null)),
        ("at=2026-11-23", 23, 22, json!(null), json!(23)),
    ] {
        let page = server.json(&format!("{HISTORY}?{query}")).await;
        assert_eq!(seqs(&page), (from..=to).collect::<Vec<_>>(), "{query}");
        assert_eq!((&page["next_since"], &page["previous_before"]), (&next, &previous), "{query}");
        assert_eq!((&page["first_kept"], &page["last_seq"]), (&json!(1), &json!(22)));
    }
}

#[tokio::test]
async fn filters_are_those_of_the_stream() {
    let server = told().await;
    let all = server.events_after(0).await;
    let writer = server.json("/api/v1/agents/name/writer").await["agent_id"].clone();
    let writer = writer.as_str().unwrap();
    let cases: [(String, Holds); 5] = [
        (format!("agent_id={writer}"), &|e| e["agentName"] == "writer"),
        ("agent_id=writer".into(), &|e| e["agentName"] == "writer"),
        ("type=operation_denied,agent_created".into(), &|e| {
            e["type"] == "operation_denied" || e["type"] == "agent_created"
        }),
        ("session_id=s-1".into(), &|e| e["metadata"]["session_id"] == "s-1"),
        ("session_id=s-0&agent_id=writer&type=operation_denied".into(), &|e| {
            e["agentName"] == "writer" && e["type"] == "operation_denied"
        }),
    ];
    for (filter, holds) in cases {
        let wanted: Vec<_> = all.iter().filter(|event| holds(event)).cloned().collect();
        assert!(!wanted.is_empty(), "{filter}");
        assert_eq!(server.json(&format!("{HISTORY}?{filter}")).await["events"], json!(wanted), "{filter}");
        // Page by page, in both directions, they are the same.
        for (first, member, parameter) in
            [("since=0", "next_since", "since"), ("before=23", "previous_before", "before")]
        {
            let mut found: Vec<Value> = Vec::new();
            let mut place = Some(first.to_owned());
            while let Some(at) = place {
                let page = server.json(&format!("{HISTORY}?limit=2&{filter}&{at}")).await;
                let events = page["events"].as_array().unwrap().clone();
                found =
                    if parameter == "since" { [found, events].concat() } else { [events, found].concat() };
                place = page[member].as_u64().map(|seq| format!("{parameter}={seq}"));
            }
            assert_eq!(found, wanted, "{filter} {parameter}");
        }
    }
}

#[tokio::test]
async fn what_is_rare_is_found_page_by_page() {
    let server = Server::start().await;
    server.ingest(&json!({"agent_name": "first"})).await;
    let many: Vec<_> = (0..6000).map(|_| json!({"agent_name": "coder"})).collect();
    server.post("/api/v1/events/ingest/batch", &many.into()).await.expect(201);
    server.ingest(&json!({"agent_name": "last"})).await;
    // A page looks at so many events and says where to go on.
    let page = server.json(&format!("{HISTORY}?since=0&agent_id=last")).await;
    assert_eq!((&page["events"], &page["next_since"]), (&json!([]), &json!(5000)));
    let page = server.json(&format!("{HISTORY}?since=5000&agent_id=last")).await;
    assert_eq!((seqs(&page), &page["next_since"]), (vec![6002], &json!(null)));
    let page = server.json(&format!("{HISTORY}?agent_id=first")).await;
    assert_eq!((&page["events"], &page["previous_before"]), (&json!([]), &json!(1003)));
    let page = server.json(&format!("{HISTORY}?agent_id=first&before=1003")).await;
    assert_eq!((seqs(&page), &page["previous_before"]), (vec![1], &json!(null)));
}

#[tokio::test]
async fn large_events_end_a_page() {
    let server = Server::start().await;
    let text = "x".repeat(60_000);
    for _ in 0..2 {
        let large: Vec<_> =
            (0..100).map(|_| json!({"agent_name": "coder", "context": {"text": text}})).collect();
        server.post("/api/v1/events/ingest/batch", &large.into()).await.expect(201);
    }
    let page = server.get(&format!("{HISTORY}?since=0")).await.expect(200);
    assert!(page.bytes.len() < 9 * 1024 * 1024, "{}", page.bytes.len());
    let page = page.json();
    let count = seqs(&page).len() as u64;
    assert!((1..200).contains(&count));
    assert_eq!(page["next_since"], count);
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told() {
    let server = told().await;
    server.app.submit(Action::Prune(Prune::EventsBut(10))).await.unwrap();
    for (query, from, previous) in [
        ("", 13, json!(null)),
        ("since=0", 13, json!(null)),
        ("at=2020-01-01", 13, json!(null)),
        ("since=13", 14, json!(14)),
    ] {
        let page = server.json(&format!("{HISTORY}?{query}")).await;
        assert_eq!((&page["first_kept"], &page["last_seq"]), (&json!(13), &json!(22)), "{query}");
        assert_eq!(seqs(&page), (from..=22).collect::<Vec<_>>(), "{query}");
        assert_eq!(page["previous_before"], previous, "{query}");
    }
    let page = server.json(&format!("{HISTORY}?before=5")).await;
    assert_eq!(
        (&page["events"], &page["next_since"], &page["previous_before"]),
        (&json!([]), &json!(12), &json!(null))
    );
    // Nothing kept, and nothing ever told.
    server.app.submit(Action::Prune(Prune::EventsBut(0))).await.unwrap();
    let none =
        json!({"first_kept": 23, "last_seq": 22, "events": [], "next_since": null, "previous_before": null});
    for query in ["", "?since=0", "?before=7", "?at=2026-11-22T12:10:00Z"] {
        assert_eq!(server.json(&format!("{HISTORY}{query}")).await, none, "{query}");
    }
    let empty = Server::start().await.json(HISTORY).await;
    assert_eq!(
        (&empty["first_kept"], &empty["last_seq"], &empty["events"]),
        (&json!(1), &json!(0), &json!([]))
    );
}

#[tokio::test]
async fn a_time_is_found_beside_what_was_told_late() {
    // Times were searched as if they rose along the stream: a block of old records sent every search behind it.
    let server = told().await;
    let late: Vec<_> =
        (0..40).map(|n| json!({"agent_name": "coder", "timestamp": server.at(-(50 - n) * MINUTE)})).collect();
    server.post("/api/v1/events/ingest/batch", &late.into()).await.expect(201);
    for _ in 0..3 {
        server.advance(MINUTE);
        server.metric("coder", &json!({})).await;
    }
    // 12:20 has passed with event 22; events 23 to 62 tell of 11:30 to 12:09, and metrics follow.
    let last = server.last_seq();
    let metrics: Vec<_> = server
        .events_after(62)
        .await
        .iter()
        .filter(|e| e["type"] == "metric_recorded")
        .map(|e| e["seq"].clone())
        .collect();
    for (time, seq) in [
        ("2026-11-22T12:00:30Z", 3),
        ("2026-11-22T12:05:00Z", 7),
        ("2026-11-22T12:10:00Z", 12),
        ("2026-11-22T12:15:00.000001Z", 18),
        ("2026-11-22T12:20:00Z", 22),
        ("2026-11-22T12:21:00Z", metrics[0].as_u64().unwrap()),
        ("2026-11-22T12:22:30Z", metrics[2].as_u64().unwrap()),
        ("2026-11-22T12:23:00.000001Z", last + 1),
    ] {
        let page = server.json(&format!("{HISTORY}?at={time}&limit=1")).await;
        let found =
            page["events"].as_array().unwrap().first().map_or(last + 1, |e| e["seq"].as_u64().unwrap());
        assert_eq!(found, seq, "{time}");
    }
}

#[tokio::test]
async fn a_page_has_one_place() {
    let server = told().await;
    for (query, loc) in [
        ("since=1&before=2", "before"),
        ("before=2&at=2026-11-22", "at"),
        ("since=1&at=2026-11-22", "at"),
        ("since=-1", "since"),
        ("since=x", "since"),
        ("before=0", "before"),
        ("at=then", "at"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("type=operation_denyed", "type"),
    ] {
        let errors = server.get(&format!("{HISTORY}?{query}")).await.expect(422).errors();
        assert_eq!(errors[0].0, format!("query.{loc}"), "{query}");
    }
    let problem = server.get(&format!("{HISTORY}?type=agent_created,denyed")).await.expect(422).json();
    let says = problem["errors"][0]["msg"].as_str().unwrap();
    assert!(
        says.starts_with("is no type of event: 'denyed'; there are agent_spawned, operation_allowed,"),
        "{says}"
    );
}
