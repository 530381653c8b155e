//! `agentmap seed`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use indicatif::ProgressBar;
use serde_json::Value;

use super::{Fault, Ran, WRONG_USE, client, explain, output, presence};
use crate::app::{App, system_clock};
use crate::cli::SeedArgs;
use crate::config::Config;
use crate::domain::command::{Action, Outcome};
use crate::domain::sync::{SyncReport, SyncRequest};
use crate::seed::{self, Line, Report, walk};
use crate::store::{Location, StoreError};

/// How often the folders are looked at with `--watch`.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub async fn seed(config: Config, args: SeedArgs) -> Ran {
    if !args.watch {
        return once(&config, &args).await;
    }
    let mut before = None;
    loop {
        let now = fingerprint(&args.dirs);
        if before.as_ref() != Some(&now) {
            once(&config, &args).await?;
            before = Some(now);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => (),
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn once(config: &Config, args: &SeedArgs) -> Ran {
    let bar = progress_bar(args);
    let collected = seed::collect(&args.dirs, args.strict, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let collection = match collected {
        Ok(collection) => collection,
        Err(missing) => {
            output::complain(&missing.to_string());
            return Ok(ExitCode::from(WRONG_USE));
        }
    };
    let prune_below = if args.prune { folders(&args.dirs) } else { Vec::new() };
    let request = SyncRequest {
        identities: collection.identities,
        prune_below,
        dry_run: args.dry_run,
        strict: args.strict,
    };
    let report = collection.report.with(sync(config, request).await?);
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&summary(&report, args))?;
    }
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has the registry take the identities: through the server that holds the data, or directly where none does.
async fn sync(config: &Config, request: SyncRequest) -> Result<SyncReport, Fault> {
    if request.dry_run && !config.data.exists() {
        // Not even an empty data file is written.
        let app = App::open(config.clone(), Location::Memory, system_clock());
        return directly(app.map_err(|e| explain(&config.data, &e))?, request).await;
    }
    if let Some(folder) = config.data.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder.display())))?;
    }
    match App::open(config.clone(), Location::File(config.data.clone()), system_clock()) {
        Ok(app) => directly(app, request).await,
        Err(StoreError::Locked) => through_server(config, &request).await,
        Err(e) => Err(explain(&config.data, &e)),
    }
}

async fn directly(app: Arc<App>, request: SyncRequest) -> Result<SyncReport, Fault> {
    let outcome = app.submit(Action::Sync(Box::new(request))).await;
    app.close();
    match outcome {
        Ok(Outcome::Synced(report)) => Ok(report),
        Ok(_) => Err(Fault::new("the registry gave no report")),
        Err(e) => Err(Fault::new(format!("nothing was seeded: {e}"))),
    }
}

async fn through_server(config: &Config, request: &SyncRequest) -> Result<SyncReport, Fault> {
    let note = presence::find(&config.data).ok_or_else(|| explain(&config.data, &StoreError::Locked))?;
    let body = serde_json::to_vec(request).map_err(|e| Fault::new(e.to_string()))?;
    let answer = client::request(&note, "POST", "/api/v1/agents/sync", Some(body)).await;
    let unreachable =
        |e| Fault::new(format!("the server at {} that holds the data does not answer: {e}", note.address));
    match answer.map_err(unreachable)? {
        (200, report) => serde_json::from_value(report).map_err(|e| Fault::new(e.to_string())),
        (_, Value::Object(problem)) => {
            let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
            Err(Fault::new(format!("the server at {} refused: {}", note.address, output::safe(detail))))
        }
        (status, _) => Err(Fault::new(format!("the server at {} answered {status}", note.address))),
    }
}

fn progress_bar(args: &SeedArgs) -> ProgressBar {
    if args.json || args.watch || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(0)
}

/// The folders as the agents' origins name them.
fn folders(dirs: &[PathBuf]) -> Vec<String> {
    dirs.iter().map(|dir| seed::shown(dir).trim_end_matches(['/', '\\']).to_owned()).collect()
}

/// What tells whether any file changed.
fn fingerprint(dirs: &[PathBuf]) -> BTreeMap<PathBuf, Option<(SystemTime, u64)>> {
    let steps = walk::walk(dirs).unwrap_or_default();
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    steps.into_iter().map(|step| (step.path.clone(), stamp(&step.path))).collect()
}

fn summary(report: &Report, args: &SeedArgs) -> String {
    let counts = [
        ("created", report.created),
        ("updated", report.updated),
        ("unchanged", report.unchanged),
        ("repaired", report.repaired),
        ("skipped", report.skipped),
        ("failed", report.failed),
    ];
    let head = if args.dry_run { "would be" } else { "" };
    let mut lines: Vec<String> = counts
        .iter()
        .map(|(name, count)| {
            format!("{name:<10} {count:>6} {}", if *count > 0 { head } else { "" }).trim_end().to_owned()
        })
        .collect();
    if !report.pruned.is_empty() {
        lines.push(format!("{:<10} {:>6} {head}", "pruned", report.pruned.len()).trim_end().to_owned());
    }
    let mut section = |title: &str, entries: &[Line]| {
        if !entries.is_empty() {
            lines.push(format!("\n{title}:"));
            lines.extend(entries.iter().map(|entry| {
                let line = entry.line.map(|line| format!(":{line}")).unwrap_or_default();
                format!("  {}{line}: {}", entry.file, output::safe(&entry.reason))
            }));
        }
    };
    if args.verbose {
        section("Repaired", &report.warnings);
        section("Skipped", &report.skips);
    }
    section("Failed", &report.errors);
    if !args.verbose && report.repaired > 0 {
        lines.push(format!("\n{} files needed repairs; -v names each with file and line.", report.repaired));
    }
    lines.join("\n")
}
