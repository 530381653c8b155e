//! `agentmap hook`: the hook that an agent's runtime runs. It asks the server, and where none answers it decides by the
//! data file, or by what is set for that case. What happened meanwhile it keeps until somebody takes it.
//!
//! Any exit code but 0 and 2 lets the runtime go on as if it had been allowed: nothing here may end in another way.

pub mod install;
mod offline;
pub mod settings_file;
mod spool;
mod usage;

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::{client, presence};
use crate::cli::{HookArgs, OnUnreachable};
use crate::config::Config;
use crate::hook::Answer;
use crate::hook::claude_code::{self, Payload, Seems};
use spool::Spool;

/// How much of an event is read. What is larger asks about more than anyone could judge.
const MOST: u64 = 64 * 1024 * 1024;
/// How long a command may be that is judged: the server takes no larger bodies.
const COMMAND: usize = 512 * 1024;
/// How long to wait for a server beyond the time that a person has.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many events that were kept are handed on after each.
const HANDED_ON: usize = 8;

/// What the runtime is told, and whether it goes on.
struct Said {
    stdout: Option<String>,
    stderr: Option<String>,
    blocks: bool,
}

impl Said {
    /// Goes on as without a hook.
    const NOTHING: Self = Self { stdout: None, stderr: None, blocks: false };

    fn answer(event: &str, answer: &Answer) -> Self {
        Self { stdout: claude_code::output(event, answer), ..Self::NOTHING }
    }

    /// Blocks with a reason, where there is no event to answer to.
    fn block(why: String) -> Self {
        Self { stdout: None, stderr: Some(why), blocks: true }
    }
}

/// Answers one event.
pub fn hook(config: &Config, args: &HookArgs) -> ExitCode {
    // Nothing of a panic is for the runtime to read.
    std::panic::set_hook(Box::new(|_| ()));
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes);
    let said = match read {
        Err(e) => unreadable(args, &bytes, &format!("the event cannot be read: {e}")),
        Ok(_) if bytes.len() as u64 > MOST => unreadable(args, &bytes, "the event is larger than 64 MiB"),
        Ok(_) => {
            let handled = catch_unwind(AssertUnwindSafe(|| handle(config, args, &bytes)));
            handled.unwrap_or_else(|_| unreadable(args, &bytes, "agentmap failed over the event"))
        }
    };
    let written = said.stdout.is_none_or(|text| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
    });
    if let Some(text) = said.stderr {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    // An answer that nobody hears would be taken for none.
    let blocks = said.blocks || !written;
    if !blocks {
        let _ = catch_unwind(AssertUnwindSafe(|| hand_on(config, HANDED_ON)));
    }
    if blocks { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Answers an event with settings that cannot be used: what asks is blocked.
pub fn misconfigured(why: &str) -> ExitCode {
    let mut bytes = Vec::new();
    let _ = std::io::stdin().lock().take(MOST).read_to_end(&mut bytes);
    let _ = writeln!(std::io::stderr(), "agentmap: {why}");
    // Another event that is blocked would not let the agent end.
    ExitCode::from(if Seems::of(&bytes) == Seems::Telling { 0 } else { 2 })
}

/// What becomes of an event that cannot be read, or failed over: one that asks nothing passes, one that asks is
/// answered as when nobody can be asked.
fn unreadable(args: &HookArgs, bytes: &[u8], why: &str) -> Said {
    match Seems::of(bytes) {
        Seems::Telling => Said { stderr: Some(format!("agentmap: {why}")), ..Said::NOTHING },
        Seems::Asking(event) => unreachable(args, event, why),
        Seems::Unknown if args.on_unreachable == OnUnreachable::Allow => Said::NOTHING,
        Seems::Unknown => Said::block(format!("agentmap: {why}")),
    }
}

/// The answer to an event that asks when nobody can be asked.
fn unreachable(args: &HookArgs, event: &str, why: &str) -> Said {
    let reason = format!("agentmap: {why}");
    let answer = match args.on_unreachable {
        OnUnreachable::Deny => Answer::Deny(reason),
        OnUnreachable::Ask => Answer::Ask(reason),
        OnUnreachable::Allow => Answer::Nothing,
    };
    Said::answer(event, &answer)
}

fn handle(config: &Config, args: &HookArgs, bytes: &[u8]) -> Said {
    let mut payload = match Payload::read(bytes) {
        Ok(payload) => payload,
        Err(why) => return unreadable(args, bytes, &why),
    };
    let event = payload.hook_event_name.clone();
    if payload.asks() && payload.tool_input.command.as_ref().is_some_and(|command| command.len() > COMMAND) {
        let why = "agentmap: the command is longer than anyone could judge";
        return Said::answer(&event, &Answer::Deny(why.into()));
    }
    let read = payload.ends_work().then(|| usage::of(config, &payload)).flatten();
    if let Some(read) = &read {
        payload.agentmap_usage.clone_from(&read.calls);
    }
    let identity = args.identity.clone();
    let delivery = spool::Delivery::new(&payload, identity, root(args));
    let said = match ask(config, args, &delivery) {
        Ok(answer) => Said { stdout: answer, ..Said::NOTHING },
        Err(why) if payload.asks() => match offline::decide(config, &payload, &delivery) {
            Ok((answer, record)) => {
                keep(config, &record);
                Said::answer(&event, &answer)
            }
            Err(no_data) => unreachable(args, &event, &format!("{why}; {no_data}")),
        },
        Err(_) => {
            keep(config, &delivery);
            Said::NOTHING
        }
    };
    if let Some(read) = read {
        read.passed();
    }
    said
}

/// Keeps what the server is to be told later. A disk that is full must not stop the agent.
fn keep(config: &Config, delivery: &spool::Delivery) {
    if let Err(why) = Spool::beside(&config.data).keep(delivery) {
        let _ = writeln!(std::io::stderr(), "agentmap: an event is lost: {why}");
    }
}

/// The folder of the project.
fn root(args: &HookArgs) -> Option<String> {
    let set = std::env::var("CLAUDE_PROJECT_DIR").ok().filter(|folder| !folder.is_empty());
    args.root.as_ref().map(|root| root.display().to_string()).or(set)
}

/// What the server answers; `None` where there is nothing to tell.
fn ask(config: &Config, args: &HookArgs, delivery: &spool::Delivery) -> Result<Option<String>, String> {
    let note = presence::find(&config.data).ok_or("no server runs on the data")?;
    let wait = args.wait.min(580);
    let patience = PATIENCE + Duration::from_secs(wait);
    let (status, value) = send(&note, &delivery.path(wait), delivery, patience)?;
    match (status, &value) {
        (200, Value::Object(members)) if members.is_empty() => Ok(None),
        (200, value) => Ok(Some(value.to_string())),
        (status, problem) => {
            let detail = problem["detail"].as_str().unwrap_or("it does not say why");
            Err(format!("the server refused with {status}: {detail}"))
        }
    }
}

fn send(
    note: &presence::Note,
    path: &str,
    delivery: &spool::Delivery,
    patience: Duration,
) -> Result<(u16, Value), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let body = delivery.body();
    let exchange = client::once(note, path, body, &delivery.id, patience);
    runtime.block_on(exchange).map_err(|e| format!("the server does not answer: {e}"))
}

/// Hands on what was kept while no server answered, so many events at most.
pub fn hand_on(config: &Config, count: usize) {
    let spool = Spool::beside(&config.data);
    let kept = spool.oldest(count);
    if kept.is_empty() {
        return;
    }
    let Some(note) = presence::find(&config.data) else { return };
    for (file, delivery) in kept {
        match send(&note, &delivery.path(0), &delivery, PATIENCE) {
            // What the server will never take is put aside.
            Ok((200..300 | 409 | 410, _)) => Spool::done(&file),
            Ok((400..500, _)) => Spool::set_aside(&file),
            _ => return,
        }
    }
}
