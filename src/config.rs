//! Settings: flags over environment over `agentmap.toml` over defaults, resolved once.

mod flags;
mod governance;
mod limits;
mod picker;
mod settings;
mod webhooks;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use serde::Serialize;

pub use governance::{Governance, UnknownAgent};
pub use limits::Limits;
pub use settings::{LogFormat, Settings};
pub use webhooks::{Target, Webhooks};

use picker::{DEFAULT, Picker};

/// The effective settings.
#[derive(Debug, Clone)]
#[expect(missing_docs)]
pub struct Config {
    pub data: PathBuf,
    pub host: String,
    pub port: u16,
    pub cors_origins: Vec<String>,
    pub allowed_hosts: Vec<String>,
    pub require_token: bool,
    pub insecure: bool,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub cache_bytes: usize,
    pub limits: Limits,
    pub governance: Governance,
    pub webhooks: Webhooks,
    pub keep_events: u64,
    pub keep_requests: u64,
    /// How long audit records are kept; `None` is for ever.
    pub retain_audit: Option<Duration>,
    /// See [`retain_audit`](Self::retain_audit).
    pub retain_metrics: Option<Duration>,
    /// See [`retain_audit`](Self::retain_audit).
    pub retain_activity: Option<Duration>,
    pub archive: Option<PathBuf>,
    pub log_format: LogFormat,
    pub log: String,
    pub assets: Option<PathBuf>,
    /// Where each came from.
    pub origins: Vec<Setting>,
    /// Those that were set on the command line, as flags.
    pub flags: Vec<OsString>,
}

/// One effective setting.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs)]
pub struct Setting {
    pub name: &'static str,
    pub value: String,
    pub source: String,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The file that is read when none is named and it is there.
const FILE: &str = "agentmap.toml";
const ORIGINS: [&str; 4] =
    ["http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000", "http://127.0.0.1:5173"];
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// The defaults.
const HOST: &str = "127.0.0.1";
const CACHE: usize = 40 * MIB;
const KEEP_EVENTS: u64 = 1_000_000;
const KEEP_REQUESTS: u64 = 1_000_000;
const RETAIN_AUDIT: &str = "90d";
const RETAIN_METRICS: &str = "30d";
const RETAIN_ACTIVITY: &str = "7d";
const LOG: &str = "info";

impl Config {
    /// The settings of flags and environment over those of a file over the defaults. Without a name the file is the one
    /// in the working folder, where that is `trusted`: a hook runs in the folders that agents work on.
    ///
    /// # Errors
    /// When the file cannot be read, or a value is out of its range.
    pub fn resolve(
        given: Settings,
        matches: &ArgMatches,
        file: Option<&Path>,
        trusted: bool,
    ) -> Result<Self, ConfigError> {
        let (from_file, path) =
            if trusted || file.is_some() { read_file(file)? } else { (Settings::default(), None) };
        let mut pick = Picker { matches, given, from_file, path, origins: Vec::new() };
        let data = pick.path("data", |s| s.data.take(), default_data);
        let host = pick.value("host", |s| s.host.take(), || HOST.into());
        let port = pick.value("port", |s| s.port.take(), || 8000);
        let cors = pick.list("cors_origin", |s| s.cors_origin.take(), &ORIGINS);
        let allowed_hosts = pick.list("allowed_host", |s| s.allowed_host.take(), &[]);
        let require_token = pick.value("require_token", |s| s.require_token.take(), || false);
        let insecure = pick.value("insecure", |s| s.insecure.take(), || false);
        let tls_cert = pick.file("tls_cert", |s| s.tls_cert.take(), "none");
        let tls_key = pick.file("tls_key", |s| s.tls_key.take(), "none");
        if tls_cert.is_some() != tls_key.is_some() {
            return Err(ConfigError("tls-cert and tls-key need each other: name both files".into()));
        }
        let cache_bytes = pick.size("cache_size", |s| s.cache_size.take(), CACHE, MIB..=16 * 1024 * MIB)?;
        let limits = Limits::pick(&mut pick)?;
        let governance = Governance::pick(&mut pick)?;
        let webhooks = Webhooks::pick(&mut pick)?;
        let keep_events = pick.value("keep_events", |s| s.keep_events.take(), || KEEP_EVENTS);
        let keep_requests = pick.value("keep_requests", |s| s.keep_requests.take(), || KEEP_REQUESTS);
        let retain_audit = pick.retention("retain_audit", |s| s.retain_audit.take(), RETAIN_AUDIT)?;
        let retain_metrics = pick.retention("retain_metrics", |s| s.retain_metrics.take(), RETAIN_METRICS)?;
        let retain_activity =
            pick.retention("retain_activity", |s| s.retain_activity.take(), RETAIN_ACTIVITY)?;
        let archive = pick.file("archive", |s| s.archive.take(), "none");
        let log_format = pick.value("log_format", |s| s.log_format.take(), || LogFormat::Text);
        let log = pick.value("log", |s| s.log.take(), || LOG.into());
        let assets = pick.file("assets", |s| s.assets.take(), "built in");
        Ok(Self {
            data,
            host,
            port,
            cors_origins: cors,
            allowed_hosts,
            require_token,
            insecure,
            tls_cert,
            tls_key,
            cache_bytes,
            limits,
            governance,
            webhooks,
            keep_events,
            keep_requests,
            retain_audit,
            retain_metrics,
            retain_activity,
            archive,
            log_format,
            log,
            assets,
            flags: flags::given(matches, &pick.origins),
            origins: pick.origins,
        })
    }

    /// Whether a setting is as nobody set it.
    #[must_use]
    pub fn is_default(&self, name: &str) -> bool {
        !self.origins.iter().any(|setting| setting.name == name && setting.source != DEFAULT)
    }

    /// The defaults, for tests and for servers in memory.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            data: PathBuf::new(),
            host: HOST.into(),
            port: 0,
            cors_origins: ORIGINS.map(str::to_owned).to_vec(),
            allowed_hosts: Vec::new(),
            require_token: false,
            insecure: false,
            tls_cert: None,
            tls_key: None,
            cache_bytes: CACHE,
            limits: Limits::default(),
            governance: Governance::default(),
            webhooks: Webhooks::default(),
            keep_events: KEEP_EVENTS,
            keep_requests: KEEP_REQUESTS,
            retain_audit: picker::parse_retention(RETAIN_AUDIT),
            retain_metrics: picker::parse_retention(RETAIN_METRICS),
            retain_activity: picker::parse_retention(RETAIN_ACTIVITY),
            archive: None,
            log_format: LogFormat::Text,
            log: LOG.into(),
            assets: None,
            origins: Vec::new(),
            flags: Vec::new(),
        }
    }
}

/// The data file in the user's data folder of the platform; on Windows in that which stays on this machine.
fn default_data() -> PathBuf {
    let folder = directories::ProjectDirs::from("", "", "agentmap");
    folder.map(|f| f.data_local_dir().to_owned()).unwrap_or_default().join("agentmap.redb")
}

fn read_file(named: Option<&Path>) -> Result<(Settings, Option<PathBuf>), ConfigError> {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if named.is_none() && e.kind() == std::io::ErrorKind::NotFound => {
            return Ok((Settings::default(), None));
        }
        Err(e) => return Err(ConfigError(format!("{}: {e}", path.display()))),
    };
    let settings = toml::from_str(&text).map_err(|e| ConfigError(format!("{}: {e}", path.display())))?;
    Ok((settings, Some(path.to_owned())))
}
