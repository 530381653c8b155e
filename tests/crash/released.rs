//! Data files that earlier versions wrote, `tests/fixtures/released/VERSION-schema-NUMBER/`: each is opened, raised and
//! right. `make golden` writes that of the present version.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use agentmap::app::SCHEMA;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::client::Client;
use super::process::{Server, assert_proved, data_file, run, text};

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/released");
/// Where the data file of the present version is.
fn present() -> PathBuf {
    Path::new(RELEASED).join(format!("{}-schema-{}", env!("CARGO_PKG_VERSION"), SCHEMA.version()))
}

/// Unpacks the file of a version, and what signs it beside it.
fn unpacked(version: &Path, data: &Path) {
    let mut packed = GzDecoder::new(File::open(version.join("data.redb.gz")).unwrap());
    std::io::copy(&mut packed, &mut File::create(data).unwrap()).unwrap();
    for suffix in ["key", "checkpoint"] {
        let to = PathBuf::from(format!("{}.{suffix}", data.display()));
        std::fs::copy(version.join(format!("data.redb.{suffix}")), &to).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// All that is in the one is in the other, which may tell more.
#[track_caller]
fn assert_holds(told: &Value, wanted: &Value, of: &str) {
    match (told, wanted) {
        (Value::Object(told), Value::Object(wanted)) => {
            for (name, wanted) in wanted {
                assert_holds(told.get(name).unwrap_or(&Value::Null), wanted, &format!("{of}.{name}"));
            }
        }
        (Value::Array(told), Value::Array(wanted)) => {
            assert_eq!(told.len(), wanted.len(), "{of}");
            for (n, (told, wanted)) in told.iter().zip(wanted).enumerate() {
                assert_holds(told, wanted, &format!("{of}[{n}]"));
            }
        }
        _ => assert_eq!(told, wanted, "{of}"),
    }
}

/// What a server tells of its data, without what changes from day to day.
fn tell(server: &Server) -> Value {
    let mut client = Client::connect(server.address).unwrap();
    let mut agents = client.get("/api/v1/agents/?limit=500&sort=name");
    for agent in agents.as_array_mut().unwrap() {
        let lasting = ["agent_id", "name", "role", "description", "capabilities", "rbac"];
        agent.as_object_mut().unwrap().retain(|name, _| lasting.contains(&name.as_str()));
    }
    let mut told = json!({"agents": agents});
    for (name, path) in [
        ("audit", "/api/v1/events/audit?limit=500"),
        ("metrics", "/api/v1/metrics/?limit=500"),
        ("grants", "/api/v1/grants"),
        ("approvals", "/api/v1/approvals"),
        ("tokens", "/api/v1/tokens"),
    ] {
        told[name] = client.get(path);
    }
    told
}

fn serve(data: &Path) -> Server {
    // What was written then is kept for ever.
    Server::start_with(data, &["--retain-audit=0", "--retain-metrics=0", "--retain-activity=0"])
}

#[test]
fn what_was_released_is_opened_and_says_what_it_said() {
    let versions: Vec<_> = std::fs::read_dir(RELEASED).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(versions.contains(&present()), "`make golden` writes the data file of this version");
    for version in versions {
        let (_folder, data) = data_file();
        unpacked(&version, &data);
        let server = serve(&data);
        let wanted = std::fs::read_to_string(version.join("told.json")).unwrap();
        assert_holds(&tell(&server), &serde_json::from_str(&wanted).unwrap(), &version.display().to_string());
        let mut client = Client::connect(server.address).unwrap();
        let event = json!({"agent_name": "coder", "operation_detail": "Read"});
        assert_eq!(client.request("POST", "/api/v1/events/ingest", Some(&event)).unwrap().0, 201);
        server.kill();
        assert_proved(&data);
    }
}

#[test]
fn a_file_that_is_raised_is_kept_as_it_was_and_can_be_gone_back_to() {
    let (folder, data) = data_file();
    unpacked(&Path::new(RELEASED).join("0.1.0-schema-4"), &data);
    let kept = folder.path().join("data.redb.schema-4");
    for _ in 0..2 {
        serve(&data).kill();
        assert_proved(&data);
        // The older program opens it, and this one says what it is.
        let checked = run(&["check"], &kept);
        assert!(text(&checked.stderr).contains("older agentmap (schema 4"), "{}", text(&checked.stderr));
    }
    let again = folder.path().join("data.redb.schema-4-2");
    assert!(!again.exists());
    std::fs::copy(&kept, &data).unwrap();
    serve(&data).kill();
    assert!(again.exists());
    assert_proved(&data);
}

/// Writes the files of the present version, where they are asked for.
#[test]
fn golden() {
    if std::env::var_os("AGENTMAP_GOLDEN").is_none() {
        return;
    }
    let (_folder, data) = data_file();
    let server = serve(&data);
    let mut client = Client::connect(server.address).unwrap();
    let mut done = |method: &str, path: &str, body: Value| {
        let (status, answer) = client.request(method, path, Some(&body)).unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    };
    for name in ["coder", "reviewer"] {
        let agent = json!({
            "name": name, "role": "developer", "capabilities": ["coding"], "metadata_category": "tooling",
            "rbac_allowed_tools": ["Read", "Edit", "Bash"], "rbac_path_scopes": ["src/**"],
            "budget_max_tokens_per_session": 200_000, "budget_max_cost_per_day": 30,
        });
        done("POST", "/api/v1/agents/", agent);
    }
    done("PUT", "/api/v1/budgets/fleet", json!({"max_cost_per_day": 100}));
    for n in 0..20 {
        let event = json!({"agent_name": "coder", "operation_detail": format!("step {n} \u{fc}"), "session_id": "s-1"});
        done("POST", "/api/v1/events/ingest", event);
        let metric = json!({"agent_id": "coder", "metric_type": "execution", "execution_time_ms": 10 * n, "tokens_used": n,
            "cost_usd": 0.125, "success": n % 5 != 0, "session_id": "s-1"});
        done("POST", "/api/v1/metrics/", metric);
    }
    let ask = |tool: &str, path: Value, command: Value| {
        json!({"agent": "coder", "tool": tool, "path": path, "command": command, "cwd": "/home/me/project",
            "estimated_cost_usd": 0.5, "session_id": "s-1"})
    };
    done("POST", "/api/v1/policy/decide", ask("Edit", json!("src/a.rs"), Value::Null));
    done("POST", "/api/v1/policy/decide", ask("Edit", json!("/etc/passwd"), Value::Null));
    let asked =
        done("POST", "/api/v1/policy/decide", ask("Bash", Value::Null, json!("git push origin main")));
    let id = asked["approval_id"].as_str().unwrap();
    done("POST", &format!("/api/v1/approvals/{id}/approve"), json!({"scope": "always"}));
    done("POST", "/api/v1/tokens", json!({"role": "viewer", "name": "reader"}));
    server.signal("-INT");
    assert!(run(&["compact"], &data).status.success());
    let server = serve(&data);
    let told = tell(&server);
    server.signal("-INT");

    let version = present();
    std::fs::create_dir_all(&version).unwrap();
    let packed = File::create(version.join("data.redb.gz")).unwrap();
    let mut packed = GzEncoder::new(packed, Compression::best());
    packed.write_all(&std::fs::read(&data).unwrap()).unwrap();
    packed.finish().unwrap();
    for suffix in ["key", "checkpoint"] {
        let name = format!("data.redb.{suffix}");
        std::fs::copy(data.with_file_name(&name), version.join(&name)).unwrap();
    }
    std::fs::write(version.join("told.json"), serde_json::to_string_pretty(&told).unwrap() + "\n").unwrap();
}
