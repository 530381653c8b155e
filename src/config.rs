//! Settings: flags over environment over `agentmap.toml` over defaults, resolved once.

mod picker;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use serde::Serialize;

pub use settings::{LogFormat, Settings};

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
    pub max_body_bytes: usize,
    pub max_batch_bytes: usize,
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
const MIB: usize = 1024 * 1024;
/// The defaults, sizes in MiB.
const HOST: &str = "127.0.0.1";
const CACHE: usize = 64;
const BODY: usize = 1;
const BATCH: usize = 16;
const KEEP_EVENTS: u64 = 1_000_000;
const KEEP_REQUESTS: u64 = 1_000_000;
const RETAIN_AUDIT: &str = "90d";
const RETAIN_METRICS: &str = "30d";
const RETAIN_ACTIVITY: &str = "7d";
const LOG: &str = "info";

impl Config {
    /// The settings of flags and environment over those of a file over the defaults.
    ///
    /// # Errors
    /// When the file cannot be read, or a value is out of its range.
    pub fn resolve(given: Settings, matches: &ArgMatches, file: Option<&Path>) -> Result<Self, ConfigError> {
        let (from_file, file) = read_file(file)?;
        let mut pick = Picker { matches, file, origins: Vec::new() };
        let data = pick.path("data", given.data, from_file.data, default_data);
        let host = pick.value("host", given.host, from_file.host, || HOST.into());
        let port = pick.value("port", given.port, from_file.port, || 8000);
        let cors = pick.list("cors_origin", given.cors_origin, from_file.cors_origin, &ORIGINS);
        let allowed_hosts = pick.list("allowed_host", given.allowed_host, from_file.allowed_host, &[]);
        let require_token =
            pick.value("require_token", given.require_token, from_file.require_token, || false);
        let insecure = pick.value("insecure", given.insecure, from_file.insecure, || false);
        let tls_cert = pick.file("tls_cert", given.tls_cert, from_file.tls_cert, "none");
        let tls_key = pick.file("tls_key", given.tls_key, from_file.tls_key, "none");
        if tls_cert.is_some() != tls_key.is_some() {
            return Err(ConfigError("tls-cert and tls-key need each other: name both files".into()));
        }
        let cache_bytes =
            pick.size("cache_size", given.cache_size, from_file.cache_size, CACHE, 1, 16 * 1024)?;
        let max_body_bytes = pick.size("max_body", given.max_body, from_file.max_body, BODY, 0, 1024)?;
        let max_batch_bytes = pick.size("max_batch", given.max_batch, from_file.max_batch, BATCH, 0, 1024)?;
        let keep_events = pick.value("keep_events", given.keep_events, from_file.keep_events, || KEEP_EVENTS);
        let keep_requests =
            pick.value("keep_requests", given.keep_requests, from_file.keep_requests, || KEEP_REQUESTS);
        let retain_audit =
            pick.retention("retain_audit", given.retain_audit, from_file.retain_audit, RETAIN_AUDIT)?;
        let retain_metrics =
            pick.retention("retain_metrics", given.retain_metrics, from_file.retain_metrics, RETAIN_METRICS)?;
        let retain_activity = pick.retention(
            "retain_activity",
            given.retain_activity,
            from_file.retain_activity,
            RETAIN_ACTIVITY,
        )?;
        let archive = pick.file("archive", given.archive, from_file.archive, "none");
        let log_format = pick.value("log_format", given.log_format, from_file.log_format, || LogFormat::Text);
        let log = pick.value("log", given.log, from_file.log, || LOG.into());
        let assets = pick.file("assets", given.assets, from_file.assets, "built in");
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
            max_body_bytes,
            max_batch_bytes,
            keep_events,
            keep_requests,
            retain_audit,
            retain_metrics,
            retain_activity,
            archive,
            log_format,
            log,
            assets,
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
            cache_bytes: CACHE * MIB,
            max_body_bytes: BODY * MIB,
            max_batch_bytes: BATCH * MIB,
            keep_events: KEEP_EVENTS,
            keep_requests: KEEP_REQUESTS,
            retain_audit: picker::parse_time(RETAIN_AUDIT),
            retain_metrics: picker::parse_time(RETAIN_METRICS),
            retain_activity: picker::parse_time(RETAIN_ACTIVITY),
            archive: None,
            log_format: LogFormat::Text,
            log: LOG.into(),
            assets: None,
            origins: Vec::new(),
        }
    }
}

/// The data file in the user's data folder of the platform.
fn default_data() -> PathBuf {
    let folder = directories::ProjectDirs::from("", "", "agentmap");
    folder.map(|f| f.data_dir().to_owned()).unwrap_or_default().join("agentmap.redb")
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
