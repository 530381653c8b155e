//! `agentmap serve`.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Fault, Ran, descriptors, hook, logging, open, output, presence, supervisor};
use crate::app::{App, Failure};
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::domain::budgets::Zone;
use crate::domain::command::{Action, Outcome};
use crate::domain::deciding;
use crate::domain::pruning::Prune;
use crate::domain::sync::SyncRequest;
use crate::domain::time::{HOUR, Timestamp};
use crate::http::tls::Tls;
use crate::webhooks::{self, Sender};
use crate::{http, retention, seed};

/// How often the stream's log is trimmed and storage is probed.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How often the checkpoint beside the data file is brought up to date while records arrive.
const CHECKPOINT: Duration = Duration::from_secs(5);
/// How often it is looked for what nobody answered in time.
const UNANSWERED: Duration = Duration::from_secs(1);
/// How often it is looked for events that hooks kept, and how many are taken then.
const SPOOL: Duration = Duration::from_secs(2);
/// See [`SPOOL`].
const SPOOLED: usize = 1000;
/// How often a failed storage is tried again while nobody writes.
const RECOVERY: Duration = Duration::from_secs(1);
/// What `--seed-if-empty` calls the built-in fleet.
const SAMPLE: &str = "sample";

pub async fn serve(config: Config, args: ServeArgs) -> Ran {
    serve_until(config, args, asked_to_end, supervisor::ready).await
}

/// Serves until what `until` makes comes to pass; it is called before anybody can know where the server listens.
/// `ready` is called once it serves.
pub async fn serve_until<F: Future<Output = ()>>(
    mut config: Config,
    args: ServeArgs,
    until: impl FnOnce() -> F,
    ready: impl FnOnce(),
) -> Ran {
    logging::start(&config)?;
    descriptors::make_room(&mut config);
    // What cannot be served with is told before anything is touched.
    Tls::load(&config).map_err(|e| Fault::new(e.to_string()))?;
    Sender::load(&config).map_err(Fault::new)?;
    // The port first: a second server on the same data is told of the port before it waits for the file.
    let listener = bind(&config).await?;
    let data = config.data.clone();
    let app = open(config, None)?;
    app.load_prices().map_err(Fault::new)?;
    let zone = Action::SetBudgetZone(Zone(app.config.governance.budget_zone));
    app.submit(zone).await.map_err(|e| Fault::new(e.to_string()))?;
    webhooks::adopt(&app).await.map_err(|e| Fault::new(e.to_string()))?;
    let address = listener.local_addr().map_err(|e| Fault::new(e.to_string()))?;
    check_door(&app, address, "make one with `agentmap token create --role admin`")?;
    if let Some(folder) = &args.seed_if_empty
        && app.roster().is_empty()
    {
        seed_empty(&app, folder).await?;
    }
    // Whoever reads where it listens may end it.
    let asked_to_end = until();
    let _note = presence::leave(&data, address, app.config.tls_cert.as_deref(), app.local_credential());
    announce(&app, address, &data.display().to_string());
    ready();
    run(app, listener, asked_to_end).await
}

/// Serves until the process is asked to end.
pub async fn run(app: Arc<App>, listener: TcpListener, asked_to_end: impl Future<Output = ()>) -> Ran {
    let housekeeping = keep_running("housekeeping", &app, keep_house);
    let spooled = keep_running("taking what hooks kept", &app, take_spooled);
    let answers = keep_running("ending what nobody answers", &app, end_unanswered);
    let webhooks = keep_running("delivering to webhooks", &app, webhooks::deliver);
    let checkpoints = keep_running("keeping checkpoints", &app, keep_checkpoints);
    let supervised = keep_running("telling the service manager", &app, supervisor::keep_telling);
    let asked_to_end = asked_to_end.inspect(|()| supervisor::stopping());
    let served = http::server::serve(Arc::clone(&app), listener, asked_to_end).await;
    housekeeping.abort();
    checkpoints.abort();
    answers.abort();
    spooled.abort();
    webhooks.abort();
    // Joins the writer thread, which finishes what was accepted.
    let closing = tokio::task::spawn_blocking(move || app.close());
    let _ = closing.await;
    // Also while what was accepted is finished the watchdog is told.
    supervised.abort();
    served.map_err(|e| Fault::new(format!("cannot serve: {e}")))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses to serve others what anyone could read and change. `advice` is how to have a token.
pub fn check_door(app: &App, address: SocketAddr, advice: &str) -> Result<(), Fault> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    if app.config.insecure {
        output::complain(&format!("whoever reaches {address} may read and change everything (--insecure)"));
        return Ok(());
    }
    if app.keyring().has_usable(app.now()) {
        return Ok(());
    }
    Err(Fault::new(format!(
        "others can reach {address}, and there is no token that lets anyone in: {advice}, or let everyone in with \
         --insecure"
    )))
}

/// Prints where to find what.
pub fn announce(app: &App, address: SocketAddr, data: &str) {
    // A browser cannot open the address that means all interfaces.
    let scheme = if app.config.tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", presence::reachable(address));
    output::say(&format!(
        "agentmap {} listens on {scheme}://{address}\n  dashboard  {url}/dashboard/\n  API        {url}/docs\n  data       \
         {data} ({} agents)\nStop with Ctrl-C.",
        crate::VERSION,
        app.roster().len()
    ));
}

/// Takes the address to listen on.
pub async fn bind(config: &Config) -> Result<TcpListener, Fault> {
    let Config { host, port, .. } = config;
    let ip = match host.as_str() {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.trim_matches(['[', ']']).parse().map_err(|_| {
            Fault::new(format!("host: '{}' is not an IP address or localhost", host.escape_debug()))
        })?,
    };
    TcpListener::bind(SocketAddr::new(ip, *port)).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => Fault::new(format!(
            "port {port} on {host} is taken by another program; choose another with --port"
        )),
        _ => Fault::new(format!("cannot listen on {host}:{port}: {e}")),
    })
}

async fn seed_empty(app: &App, folder: &Path) -> Result<(), Fault> {
    let identities = if folder == Path::new(SAMPLE) {
        seed::samples().map_err(Fault::new)?
    } else {
        seed::collect(&[folder.to_owned()], false, |_, _| ())
            .map_err(|e| Fault::new(e.to_string()))?
            .identities
    };
    let request = SyncRequest { identities, prune_below: Vec::new(), dry_run: false, strict: false };
    match app.submit(Action::Sync(Box::new(request))).await {
        Ok(Outcome::Synced(report)) => {
            output::say(&format!("Seeded {} agents from {}.", report.files.len(), folder.display()));
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(e) => Err(Fault::new(e.to_string())),
    }
}

/// Runs what has to go on for as long as the server does: again, where it panicked.
fn keep_running<F: Future<Output = ()> + Send + 'static>(
    what: &'static str,
    app: &Arc<App>,
    work: fn(Arc<App>) -> F,
) -> JoinHandle<()> {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        while AssertUnwindSafe(work(Arc::clone(&app))).catch_unwind().await.is_err() {
            tracing::error!("{what} panicked, and begins anew");
            tokio::time::sleep(RECOVERY).await;
        }
    })
}

/// Trims the stream's log, removes what is no longer kept, and finds out whether storage works while nobody writes.
async fn keep_house(app: Arc<App>) {
    let mut retained: Option<Timestamp> = None;
    loop {
        if let Err(error) = retention::prune(&app, Prune::EventsBut(app.config.keep_events)).await {
            tracing::error!(%error, "housekeeping failed");
        } else if retained.is_none_or(|last| app.now().0.abs_diff(last.0) >= HOUR.unsigned_abs()) {
            retained = Some(app.now());
            if let Err(error) = retention::retain(&app).await {
                tracing::error!(%error, "what is no longer kept could not be removed");
            }
        }
        if let Err(error) = forget_requests(&app).await {
            tracing::error!(%error, "requests could not be forgotten");
        }
        let pause = if app.storage_failure().is_some() { RECOVERY } else { HOUSEKEEPING };
        tokio::time::sleep(pause).await;
    }
}

/// Takes the events that hooks kept while no server answered them.
async fn take_spooled(app: Arc<App>) {
    loop {
        let taker = Arc::clone(&app);
        let _ = tokio::task::spawn_blocking(move || hook::hand_on(&taker.config, SPOOLED)).await;
        tokio::time::sleep(SPOOL).await;
    }
}

/// Ends what nobody answered in time, and what is held for too long: others wait for it.
async fn end_unanswered(app: Arc<App>) {
    loop {
        tokio::time::sleep(UNANSWERED).await;
        let due = app.read(|tx| deciding::is_something_due(tx, app.now()));
        if due.unwrap_or(false)
            && let Err(error) = app.submit(Action::EndUnanswered).await
        {
            tracing::error!(%error, "what nobody answered could not be ended");
        }
    }
}

/// Keeps the checkpoint beside the data file near the end of the trail. A disk that is full costs no more than that.
async fn keep_checkpoints(app: Arc<App>) {
    let mut failed = false;
    loop {
        tokio::time::sleep(CHECKPOINT).await;
        let keeper = Arc::clone(&app);
        let kept = tokio::task::spawn_blocking(move || keeper.keep_checkpoint()).await;
        if let Ok(Err(error)) = &kept
            && !failed
        {
            tracing::error!(%error, "the checkpoint beside the data file falls behind");
        }
        failed = !matches!(kept, Ok(Ok(_)));
    }
}

/// Forgets the requests that nobody will repeat any more, in steps between which others write.
async fn forget_requests(app: &App) -> Result<(), Failure> {
    let keep = app.config.keep_requests;
    while let Outcome::Forgotten { more: true } = app.submit(Action::ForgetRequests { keep }).await? {}
    Ok(())
}

/// Ends when the process is asked to end from now on: it is listened for when this returns, and not only when somebody
/// waits for it.
#[cfg(unix)]
pub fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    }
}

/// Ends when the process is asked to end from now on.
#[cfg(windows)]
pub fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let signals = (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown());
    async {
        let (Ok(mut c), Ok(mut b), Ok(mut close), Ok(mut shutdown)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = c.recv() => (),
            _ = b.recv() => (),
            _ = close.recv() => (),
            _ = shutdown.recv() => (),
        }
    }
}
