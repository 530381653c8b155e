//! `/api/v1/events/audit/export`: the audit trail as CSV or NDJSON.

use serde_json::{Value, json};

use crate::harness::{MINUTE, Server};

const EXPORT: &str = "/api/v1/events/audit/export";

#[tokio::test]
async fn csv_is_quoted_and_its_formulas_are_defused() {
    let server = Server::start().await;
    let id = server.create("coder").await;
    let record = server
        .ingest(&json!({
            "agent_name": "coder", "agent_role": "=1+1", "operation_type": "+x", "operation_detail": "-x",
            "target_resource": "@x", "target_type": "\tx", "rbac_decision": "denied", "rbac_reason": "a,\"b\"\r\nc",
            "session_id": "\rx", "cost_usd": 0.5, "tokens_used": 3, "context": {"k": "v"},
        }))
        .await;
    let answer = server.get(&format!("{EXPORT}?rbac_decision=denied")).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"audit.csv\""));
    let head = "audit_id,seq,timestamp,agent_id,agent_name,agent_role,registered_id,operation_type,operation_detail,\
                target_resource,target_type,rbac_decision,rbac_reason,cost_usd,tokens_used,session_id,context,hash";
    let row = format!(
        "{},1,{},unknown,coder,\"'=1+1\",{id},\"'+x\",\"'-x\",\"'@x\",\"'\tx\",denied,\
         \"a,\"\"b\"\"\r\nc\",0.5,3,\"'\rx\",\"{{\"\"k\"\":\"\"v\"\"}}\",{}",
        record["audit_id"].as_str().unwrap(),
        server.at(0),
        record["hash"].as_str().unwrap(),
    );
    assert_eq!(answer.text(), format!("{head}\r\n{row}\r\n"));
}

#[tokio::test]
async fn ndjson_holds_what_the_list_holds() {
    let server = Server::start().await;
    let told = |n: i64| {
        json!({
            "agent_name": if n % 2 == 0 { "coder" } else { "writer" }, "timestamp": server.at(-n * MINUTE),
            "operation_type": if n % 3 == 0 { "tool_use" } else { "api_call" }, "session_id": format!("s-{}", n % 5),
            "rbac_decision": if n % 4 == 0 { "denied" } else { "allowed" }, "agent_role": "developer",
            "rbac_reason": if n % 7 == 0 { "out of scope" } else { "fine" },
        })
    };
    // More than one page of the export's own.
    let items: Vec<_> = (0..2500).map(told).collect();
    server.post("/api/v1/events/ingest/batch", &items.into()).await.expect(201);
    for (query, count) in [
        ("", 2500),
        ("&agent_id=coder", 1250),
        ("&operation_type=tool_use&rbac_decision=denied", 209),
        ("&session_id=s-1&agent_role=developer", 500),
        ("&reason=out%20of%20scope", 358),
        ("&q=scope&agent_id=writer", 179),
        ("&start_date=2026-11-22", 721),
        ("&end_date=2026-11-21", 1779),
        ("&agent_id=nobody", 0),
    ] {
        let answer = server.get(&format!("{EXPORT}?format=ndjson{query}")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"audit.ndjson\""));
        let lines: Vec<Value> = answer.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), count, "{query}");
        let list = server.json(&format!("/api/v1/events/audit?limit=1000{query}")).await;
        assert_eq!(lines[..list.as_array().unwrap().len()], *list.as_array().unwrap(), "{query}");
        let csv = server.get(&format!("{EXPORT}?format=csv{query}")).await.expect(200).text();
        assert_eq!(csv.lines().count(), count + 1, "{query}");
    }
    for bad in ["format=xml", "start_date=x", "end_date=x", "rbac_decision=maybe"] {
        server.get(&format!("{EXPORT}?{bad}")).await.expect(422);
    }
}
