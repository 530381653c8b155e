//! A budget holds, however many ask for it at once, and whenever the server is killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Barrier, mpsc};
use std::time::Instant;

use serde_json::{Value, json};

use super::client::Client;
use super::process::{Server, assert_sound, data_file};
use super::random::{Random, asked, seed};

/// How many ask at once for what.
const CALLERS: usize = 100;
/// What a day may cost in USD; each asks for one.
const UNITS: usize = 50;

const DECIDE: &str = "/api/v1/policy/decide";
const BUDGET: &str = "/api/v1/budgets/agent:spender";

/// Who was allowed, and by which decision.
type Answers = BTreeMap<usize, Option<String>>;

fn allowed(answers: &Answers) -> Vec<&String> {
    answers.values().flatten().collect()
}

fn post(client: &mut Client, path: &str, body: &Value, status: u16) -> Value {
    let (told, answer) = client.request("POST", path, Some(body)).unwrap();
    assert_eq!(told, status, "{path}: {answer}");
    answer
}

fn ask(client: &mut Client, round: u64, caller: usize) -> std::io::Result<Option<String>> {
    let wish = json!({
        "agent": "spender", "tool": "Read", "estimated_cost_usd": 1, "session_id": format!("s-{caller}"),
    });
    let (status, ruling) = client.post_once(DECIDE, &format!("{round}-{caller}"), &wish)?;
    assert_eq!(status, 200, "{ruling}");
    Ok(match ruling["decision"].as_str() {
        Some("allowed") => Some(ruling["audit_id"].as_str().unwrap().to_owned()),
        _ => {
            assert_eq!(ruling["rule"], "budget agent: max_cost_per_day", "{ruling}");
            None
        }
    })
}

/// All ask at once; after so many answers the server is killed, where that is wanted.
fn all_ask(server: Server, round: u64, kill_after: Option<usize>) -> (Option<Server>, Answers) {
    let (address, gate) = (server.address, Barrier::new(CALLERS));
    let (tell, told) = mpsc::channel();
    let (mut server, mut answers) = (Some(server), Answers::new());
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (tell, gate) = (tell.clone(), &gate);
            scope.spawn(move || {
                let client = Client::connect(address);
                gate.wait();
                tell.send((caller, client.and_then(|mut client| ask(&mut client, round, caller))))
            });
        }
        drop(tell);
        for (caller, answer) in told {
            match answer {
                Ok(answer) => drop(answers.insert(caller, answer)),
                Err(error) => assert!(server.is_none(), "caller {caller}: {error}"),
            }
            if kill_after.is_some_and(|count| answers.len() >= count)
                && let Some(server) = server.take()
            {
                server.kill();
            }
        }
    });
    (server, answers)
}

/// What is used, held and left.
fn stands(client: &mut Client) -> [usize; 3] {
    let budget = client.get(BUDGET);
    // Whole units are told without a fraction.
    ["used", "reserved", "remaining"]
        .map(|member| budget[member].as_f64().unwrap().to_string().parse().unwrap())
}

/// Those who were answered are held for; whoever was not asks again, and is one of the same fifty.
fn assert_holds(address: SocketAddr, round: u64, answers: &Answers) -> Answers {
    let mut client = Client::connect(address).unwrap();
    let [used, held, left] = stands(&mut client);
    assert!(used == 0 && held + left == UNITS, "{used} {held} {left}");
    assert!((allowed(answers).len()..=UNITS).contains(&held), "{held} are held: {answers:?}");
    let again: Answers = (0..CALLERS).map(|n| (n, ask(&mut client, round, n).unwrap())).collect();
    for (caller, answer) in answers {
        assert_eq!(&again[caller], answer, "caller {caller} is told otherwise");
    }
    assert_eq!(allowed(&again).len(), UNITS);
    assert_eq!(stands(&mut client), [0, UNITS, 0]);
    again
}

/// What was held is spent, and then counts no longer.
fn settle(address: SocketAddr, answers: &Answers) {
    let mut client = Client::connect(address).unwrap();
    for decision in allowed(answers) {
        let metric = json!({
            "agent_id": "spender", "metric_type": "cost", "cost_usd": 1, "decision_id": decision,
        });
        post(&mut client, "/api/v1/metrics/", &metric, 201);
    }
    assert_eq!(stands(&mut client), [UNITS, 0, 0]);
    post(&mut client, &format!("{BUDGET}/reset"), &json!({}), 200);
    assert_eq!(stands(&mut client), [0, 0, UNITS]);
}

fn create(data: &Path) -> Server {
    let server = Server::start(data);
    let agent = json!({
        "name": "spender", "role": "developer", "capabilities": [], "rbac_allowed_tools": ["Read"],
        "rbac_path_scopes": ["**"], "rbac_approval_threshold": 1000, "budget_max_tokens_per_session": 1000,
        "budget_max_cost_per_day": UNITS, "metadata_category": "foundry",
    });
    post(&mut Client::connect(server.address).unwrap(), "/api/v1/agents/", &agent, 201);
    server
}

#[test]
fn no_more_is_allowed_than_there_is_however_many_ask_and_whenever_it_is_killed() {
    let (began, seed, rounds) = (Instant::now(), seed(), asked("AGENTMAP_BUDGET_ROUNDS").unwrap_or(3));
    println!("seed {seed}: {rounds} rounds");
    let (_folder, data) = data_file();
    let (mut server, mut killed) = (create(&data), 0);
    for round in 0..rounds {
        let mut random = Random::of(seed, round);
        let kill_after = (round % 2 == 1).then(|| random.below(CALLERS));
        let (alive, answers) = all_ask(server, round, kill_after);
        match alive {
            Some(alive) => {
                let count = allowed(&answers).len();
                assert_eq!((answers.len(), count), (CALLERS, UNITS), "{count} were allowed");
                alive.kill();
            }
            None => killed += 1,
        }
        assert_sound(&data);
        server = Server::start(&data);
        let answers = assert_holds(server.address, round, &answers);
        settle(server.address, &answers);
        assert_sound(&data);
    }
    println!(
        "seed {seed}: {rounds} rounds of {CALLERS} callers, {killed} with the server killed under them: {UNITS} allowed in \
         each, in {:?}",
        began.elapsed()
    );
}
