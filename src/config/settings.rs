//! What may be set, on the command line, in the environment and in `agentmap.toml`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::UnknownAgent;

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
    /// A name that this server goes by besides its own address; may be given more than once [default: none]
    #[arg(long, global = true, env = "AGENTMAP_ALLOWED_HOST", value_delimiter = ',', value_name = "NAME")]
    pub allowed_host: Option<Vec<String>>,
    /// Demand a token on loopback, too
    #[arg(long, global = true, env = "AGENTMAP_REQUIRE_TOKEN", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_token: Option<bool>,
    /// Demand no token where others can reach the port, either
    #[arg(long, global = true, env = "AGENTMAP_INSECURE", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub insecure: Option<bool>,
    /// Speak TLS with this certificate, and those that vouch for it (PEM)
    #[arg(long, global = true, env = "AGENTMAP_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, global = true, env = "AGENTMAP_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Memory for the database's cache, 1MiB to 16GiB [default: 40MiB]
    #[arg(long, global = true, env = "AGENTMAP_CACHE_SIZE", value_name = "SIZE")]
    pub cache_size: Option<String>,
    /// The largest head of a request, its line and headers, 1KiB to 1MiB [default: 32KiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_HEADER", value_name = "SIZE")]
    pub max_header: Option<String>,
    /// The longest query of a request [default: 8KiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_QUERY", value_name = "SIZE")]
    pub max_query: Option<String>,
    /// The largest body of a request, and of each record of a batch [default: 1MiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_BODY", value_name = "SIZE")]
    pub max_body: Option<String>,
    /// The largest body of a batch [default: 16MiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_BATCH", value_name = "SIZE")]
    pub max_batch: Option<String>,
    /// How much of bodies is held at once, of all requests together [default: 64MiB]
    #[arg(long, global = true, env = "AGENTMAP_MAX_BODIES", value_name = "SIZE")]
    pub max_bodies: Option<String>,
    /// How deep arrays and objects may nest in JSON, 1 to 100 [default: 64]
    #[arg(long, global = true, env = "AGENTMAP_MAX_JSON_DEPTH", value_name = "COUNT")]
    pub max_json_depth: Option<usize>,
    /// How long a client may take to send the head of a request, and a connection may be idle [default: 15s]
    #[arg(long, global = true, env = "AGENTMAP_HEADER_TIMEOUT", value_name = "TIME")]
    pub header_timeout: Option<String>,
    /// How long a client may take to send a body [default: 1m]
    #[arg(long, global = true, env = "AGENTMAP_BODY_TIMEOUT", value_name = "TIME")]
    pub body_timeout: Option<String>,
    /// How many connections are open at once [default: 16384]
    #[arg(long, global = true, env = "AGENTMAP_MAX_CONNECTIONS", value_name = "COUNT")]
    pub max_connections: Option<usize>,
    /// How many clients follow the stream at once [default: 10000]
    #[arg(long, global = true, env = "AGENTMAP_MAX_STREAMS", value_name = "COUNT")]
    pub max_streams: Option<usize>,
    /// What an agent may do that asks and is not registered: deny, allow, or register with the least rights [default: deny]
    #[arg(long, global = true, env = "AGENTMAP_UNKNOWN_AGENT", value_name = "RULE")]
    pub unknown_agent: Option<UnknownAgent>,
    /// The zone whose days budgets are for, as its offset from UTC; figures are by UTC days all the same [default: +00:00]
    #[arg(
        long,
        global = true,
        env = "AGENTMAP_BUDGET_ZONE",
        value_name = "OFFSET",
        allow_hyphen_values = true
    )]
    pub budget_zone: Option<String>,
    /// The agent that acts in a runtime's main session, where nobody says which [default: claude-code]
    #[arg(long, global = true, env = "AGENTMAP_DEFAULT_IDENTITY", value_name = "NAME")]
    pub default_identity: Option<String>,
    /// A file of prices of models beside the built-in ones, by token class, in USD for a million tokens
    #[arg(long, global = true, env = "AGENTMAP_PRICES", value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// How long what an allowed operation may cost is held, unless a metric tells before what it did [default: 10m]
    #[arg(long, global = true, env = "AGENTMAP_RESERVATION_TIMEOUT", value_name = "TIME")]
    pub reservation_timeout: Option<String>,
    /// How long a person may take to answer before it counts as denied [default: 10m]
    #[arg(long, global = true, env = "AGENTMAP_APPROVAL_TIMEOUT", value_name = "TIME")]
    pub approval_timeout: Option<String>,
    /// A URL that is told of alerts and approvals, by Standard Webhooks; may be given more than once [default: none]
    #[arg(
        long,
        global = true,
        env = "AGENTMAP_WEBHOOK",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub webhook: Option<Vec<String>>,
    /// The secret that webhooks are signed with: whsec_ and 24 to 64 bytes in base64; with several lines each signs
    #[arg(long, global = true, env = "AGENTMAP_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    pub webhook_secret: Option<PathBuf>,
    /// Trust https:// webhooks by these certificates: their own, or of authorities (PEM) [default: the system's]
    #[arg(long, global = true, env = "AGENTMAP_WEBHOOK_CERT", value_name = "FILE")]
    pub webhook_cert: Option<PathBuf>,
    /// How many events the stream keeps for ?since= [default: 1000000]
    #[arg(long, global = true, env = "AGENTMAP_KEEP_EVENTS", value_name = "COUNT")]
    pub keep_events: Option<u64>,
    /// How many requests are remembered for clients that repeat them, each for a day [default: 1000000]
    #[arg(long, global = true, env = "AGENTMAP_KEEP_REQUESTS", value_name = "COUNT")]
    pub keep_requests: Option<u64>,
    /// How long audit records are kept, such as 90d; 0 keeps them for ever [default: 90d]
    #[arg(long, global = true, env = "AGENTMAP_RETAIN_AUDIT", value_name = "TIME")]
    pub retain_audit: Option<String>,
    /// How long metrics are kept, 0 for ever; their sums stay, so that figures go on answering [default: 30d]
    #[arg(long, global = true, env = "AGENTMAP_RETAIN_METRICS", value_name = "TIME")]
    pub retain_metrics: Option<String>,
    /// How long the stream's events and the agents' activity are kept, at most as long as the records behind them;
    /// 0 is as long as these [default: 7d]
    #[arg(long, global = true, env = "AGENTMAP_RETAIN_ACTIVITY", value_name = "TIME")]
    pub retain_activity: Option<String>,
    /// Write audit records and metrics into files in this folder before they are removed
    #[arg(long, global = true, env = "AGENTMAP_ARCHIVE", value_name = "DIR")]
    pub archive: Option<PathBuf>,
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

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}
