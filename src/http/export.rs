//! Exports: everything that matches, made while it is sent.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use utoipa::ToSchema;

use super::error::Problem;
use super::reply::Streamed;
use crate::App;
use crate::domain::log_query::Paging;
use crate::domain::metric_stats::MetricFilter;
use crate::domain::metrics::Metric;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180, with a head line.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// How many records are read at once.
const PAGE: usize = 1000;
/// How long a client may take for one piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many exports run at once: each holds a thread and a snapshot for as long as its client takes.
const AT_ONCE: usize = 8;
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// All metrics that match, newest first.
///
/// # Errors
/// When too many exports run already, or storage fails.
pub fn metrics(
    app: &App,
    filter: MetricFilter,
    format: Format,
) -> Result<Streamed<impl Stream<Item = Result<Bytes, io::Error>> + Send + Sync + 'static + use<>>, Problem> {
    let place = PLACES
        .try_acquire()
        .map_err(|_| Problem::too_many(format!("{AT_ONCE} exports run already; try again later.")))?;
    let tx = app.snapshot()?;
    let (sender, mut receiver) = mpsc::channel(2);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let send = |piece| {
            let sent = runtime.block_on(tokio::time::timeout(PATIENCE, sender.send(piece)));
            matches!(sent, Ok(Ok(())))
        };
        if format == Format::Csv && !send(Ok(Bytes::from(HEAD.join(",") + "\r\n"))) {
            return;
        }
        let query = filter.query().counted(Some(0));
        let mut cursor = None;
        loop {
            let page = match query.page(&tx, Paging { skip: 0, limit: PAGE, cursor }) {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    // The client sees that the body breaks off.
                    send(Err(io::Error::other("storage failed")));
                    return;
                }
            };
            let mut piece = String::new();
            for metric in &page.items {
                write_line(&mut piece, metric, format);
            }
            cursor = page.next;
            if !send(Ok(piece.into())) || cursor.is_none() {
                return;
            }
        }
    });
    // A channel may be asked on after its end, as the compression around it does.
    let pieces = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let (content_type, file_name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "metrics.csv"),
        Format::Ndjson => ("application/x-ndjson", "metrics.ndjson"),
    };
    Ok(Streamed { content_type, file_name, pieces })
}

const HEAD: [&str; 16] = [
    "metric_id",
    "seq",
    "recorded_at",
    "agent_id",
    "metric_type",
    "execution_time_ms",
    "success",
    "tokens_used",
    "api_calls",
    "cost_usd",
    "quality_score",
    "code_violations",
    "tasks_completed",
    "tasks_failed",
    "session_id",
    "context",
];

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn write_line(out: &mut String, metric: &Metric, format: Format) {
    if format == Format::Ndjson {
        out.push_str(&serde_json::to_string(metric).unwrap_or_default());
        out.push('\n');
        return;
    }
    let m = &metric.measures;
    let cells = [
        metric.id().to_string(),
        metric.seq.to_string(),
        metric.recorded_at.to_string(),
        metric.agent_id.to_string(),
        text_cell(&metric.metric_type),
        shown(m.execution_time_ms),
        shown(m.success),
        shown(m.tokens_used),
        shown(m.api_calls),
        shown(m.cost_usd),
        shown(m.quality_score),
        shown(m.code_violations),
        shown(m.tasks_completed),
        shown(m.tasks_failed),
        text_cell(metric.session_id.as_deref().unwrap_or_default()),
        text_cell(metric.context.as_ref().map_or("", |c| c.0.as_str())),
    ];
    // Writing to a String cannot fail.
    let _ = write!(out, "{}\r\n", cells.join(","));
}

/// Text as a cell. What a spreadsheet would run as a formula gets an apostrophe in front
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn text_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, system_clock};
    use crate::config::Config;
    use crate::store::Location;
    use futures_util::StreamExt;
    use std::pin::pin;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(text_cell("plain"), "plain");
        assert_eq!(text_cell("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(text_cell("=1+1"), "\"'=1+1\"");
    }

    #[tokio::test]
    async fn a_stream_may_be_polled_after_its_end() {
        // The stream panicked when it was polled again after its end, as gzip does: compressed exports broke off.
        let app = App::open(Config::defaults(), Location::Memory, system_clock()).unwrap();
        let exported = metrics(&app, MetricFilter::default(), Format::Csv).unwrap();
        let mut pieces = pin!(exported.pieces);
        let mut sent = 0;
        while let Some(piece) = pieces.next().await {
            sent += piece.unwrap().len();
        }
        assert!(sent > HEAD.join(",").len());
        assert!(pieces.next().await.is_none());
    }
}
