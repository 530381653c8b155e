//! Settings: flags over environment over `agentmap.toml` over defaults, resolved once.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::{Deserialize, Serialize};

/// What may be set; the doc comments are the help texts.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// The data file [default: agentmap.redb in the user's data folder]
    #[arg(long, global = true, env = "AGENTMAP_DATA", value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, global = true, env = "AGENTMAP_HOST", value_name = "ADDRESS")]
    pub host: Option<String>,
    /// The port to listen on; 0 takes a free one [default: 8000]
    #[arg(long, global = true, env = "AGENTMAP_PORT")]
    pub port: Option<u16>,
    /// An origin whose pages may call the API; may be given more than once [default: localhost:3000 and :5173]
    #[arg(long, global = true, env = "AGENTMAP_CORS_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origin: Option<Vec<String>>,
    /// Memory for the database's cache, 1MiB to 16GiB [default: 64MiB]
    #[arg(long, global = true, env = "AGENTMAP_CACHE_SIZE", value_name = "SIZE")]
    pub cache_size: Option<String>,
    /// The largest body of a request [default: 1MiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_BODY", value_name = "SIZE")]
    pub max_body: Option<String>,
    /// The largest body of a batch [default: 16MiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_BATCH", value_name = "SIZE")]
    pub max_batch: Option<String>,
    /// How many events the stream keeps for ?since= [default: 1000000]
    #[arg(long, global = true, env = "AGENTMAP_KEEP_EVENTS", value_name = "COUNT")]
    pub keep_events: Option<u64>,
    /// How the log is written: text or json [default: text]
    #[arg(long, global = true, env = "AGENTMAP_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, or a filter such as info,agentmap::request=warn [default: info]
    #[expect(clippy::doc_markdown, reason = "shown as plain text by --help")]
    #[arg(long, global = true, env = "AGENTMAP_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Read the dashboard's files from this folder in place of the built-in ones
    #[arg(long, global = true, env = "AGENTMAP_ASSETS", value_name = "DIR")]
    pub assets: Option<PathBuf>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The effective settings.
#[derive(Debug, Clone)]
#[expect(missing_docs)]
pub struct Config {
    pub data: PathBuf,
    pub host: String,
    pub port: u16,
    pub cors_origins: Vec<String>,
    pub cache_bytes: usize,
    pub max_body_bytes: usize,
    pub max_batch_bytes: usize,
    pub keep_events: u64,
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
const LOG: &str = "info";
/// Where a setting comes from that nobody set.
const DEFAULT: &str = "default";

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
        let cors = pick.list("cors_origin", given.cors_origin, from_file.cors_origin);
        let cache_bytes =
            pick.size("cache_size", given.cache_size, from_file.cache_size, CACHE, 1, 16 * 1024)?;
        let max_body_bytes = pick.size("max_body", given.max_body, from_file.max_body, BODY, 0, 1024)?;
        let max_batch_bytes = pick.size("max_batch", given.max_batch, from_file.max_batch, BATCH, 0, 1024)?;
        let keep_events = pick.value("keep_events", given.keep_events, from_file.keep_events, || KEEP_EVENTS);
        let log_format = pick.value("log_format", given.log_format, from_file.log_format, || LogFormat::Text);
        let log = pick.value("log", given.log, from_file.log, || LOG.into());
        let from_file_alone = given.assets.is_none() && from_file.assets.is_some();
        let assets = given.assets.or(from_file.assets);
        let shown = assets.as_ref().map_or_else(|| "built in".into(), |folder| folder.display().to_string());
        pick.note("assets", shown, from_file_alone);
        Ok(Self {
            data,
            host,
            port,
            cors_origins: cors,
            cache_bytes,
            max_body_bytes,
            max_batch_bytes,
            keep_events,
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
            cache_bytes: CACHE * MIB,
            max_body_bytes: BODY * MIB,
            max_batch_bytes: BATCH * MIB,
            keep_events: KEEP_EVENTS,
            log_format: LogFormat::Text,
            log: LOG.into(),
            assets: None,
            origins: Vec::new(),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

struct Picker<'a> {
    matches: &'a ArgMatches,
    file: Option<PathBuf>,
    origins: Vec<Setting>,
}

impl Picker<'_> {
    fn note(&mut self, name: &'static str, value: String, from_file: bool) {
        let source = match self.matches.value_source(name) {
            Some(ValueSource::CommandLine) => format!("flag --{}", name.replace('_', "-")),
            Some(ValueSource::EnvVariable) => {
                let variable = if name == "log" { "LOG".into() } else { name.to_uppercase() };
                format!("environment AGENTMAP_{variable}")
            }
            _ if from_file => self.file.as_deref().unwrap_or(Path::new(FILE)).display().to_string(),
            _ => DEFAULT.into(),
        };
        self.origins.push(Setting { name, value, source });
    }

    fn value<T: fmt::Display>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        let from_file = given.is_none() && file.is_some();
        let value = given.or(file).unwrap_or_else(default);
        self.note(name, value.to_string(), from_file);
        value
    }

    fn path(
        &mut self,
        name: &'static str,
        given: Option<PathBuf>,
        file: Option<PathBuf>,
        default: impl FnOnce() -> PathBuf,
    ) -> PathBuf {
        let from_file = given.is_none() && file.is_some();
        let value = given.or(file).unwrap_or_else(default);
        self.note(name, value.display().to_string(), from_file);
        value
    }

    fn list(
        &mut self,
        name: &'static str,
        given: Option<Vec<String>>,
        file: Option<Vec<String>>,
    ) -> Vec<String> {
        let from_file = given.is_none() && file.is_some();
        let list = given.or(file).unwrap_or_else(|| ORIGINS.map(str::to_owned).to_vec());
        self.note(name, list.join(","), from_file);
        list
    }

    /// A size between two bounds, in bytes. Default and bounds are in MiB.
    fn size(
        &mut self,
        name: &'static str,
        given: Option<String>,
        file: Option<String>,
        default: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, ConfigError> {
        let text = self.value(name, given, file, || format!("{default}MiB"));
        let flag = name.replace('_', "-");
        let bytes = parse_size(&text).ok_or_else(|| {
            ConfigError(format!(
                "{flag}: '{}' is not a size; write 64MiB, 512KiB or 1GiB",
                text.escape_debug()
            ))
        })?;
        if (min * MIB..=max * MIB).contains(&bytes) {
            Ok(bytes)
        } else {
            Err(ConfigError(format!("{flag}: {text} is not between {min}MiB and {max}MiB")))
        }
    }
}

fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1024,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => 1024 * MIB,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [("64MiB", 64 * MIB), ("512 KiB", 512 * 1024), ("1g", 1024 * MIB), ("100", 100)]
        {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "9999999999999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
