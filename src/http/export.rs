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
use crate::domain::log_query::{LogQuery, Logged, Paging};

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180, with a head line.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// A record that can be exported.
pub trait Exported: Logged + Serialize {
    /// The names under which a browser saves the forms.
    const CSV_NAME: &'static str;
    /// See [`CSV_NAME`](Self::CSV_NAME).
    const NDJSON_NAME: &'static str;
    /// The head line's cells.
    const HEAD: &'static [&'static str];
    /// A line's cells, as many as the head line's.
    fn cells(&self) -> Vec<String>;
}

/// How many records are read at once.
const PAGE: usize = 1000;
/// How long a client may take for one piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many exports run at once: each holds a thread and a snapshot for as long as its client takes.
const AT_ONCE: usize = 8;
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// All records that match, newest first. `query` is made where it is used.
///
/// # Errors
/// When too many exports run already, or storage fails.
pub fn export<R: Exported, Q: FnOnce() -> LogQuery<R> + Send + 'static>(
    app: &App,
    query: Q,
    format: Format,
) -> Result<Streamed<impl Stream<Item = Result<Bytes, io::Error>> + Send + Sync + 'static + use<R, Q>>, Problem>
{
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
        if format == Format::Csv && !send(Ok(Bytes::from(R::HEAD.join(",") + "\r\n"))) {
            return;
        }
        let query = query().counted(Some(0));
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
            for record in &page.items {
                write_line(&mut piece, record, format);
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
        Format::Csv => ("text/csv; charset=utf-8", R::CSV_NAME),
        Format::Ndjson => ("application/x-ndjson", R::NDJSON_NAME),
    };
    Ok(Streamed { content_type, file_name, pieces })
}

fn write_line<R: Exported>(out: &mut String, record: &R, format: Format) {
    match format {
        Format::Ndjson => {
            out.push_str(&serde_json::to_string(record).unwrap_or_default());
            out.push('\n');
        }
        Format::Csv => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{}\r\n", record.cells().join(","));
        }
    }
}

/// What a formula may begin with (<https://owasp.org/www-community/attacks/CSV_Injection>); the last four are the first
/// four in full width, which spreadsheets take for them.
const FORMULA: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// What must be quoted; `;` and tabs part cells where a spreadsheet's language or its user says so.
const QUOTED: [char; 6] = ['"', ',', ';', '\t', '\r', '\n'];

/// Text as a cell. What a spreadsheet would run as a formula gets an apostrophe in front.
pub fn text_cell(text: &str) -> String {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if guard.is_empty() && !text.contains(QUOTED) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, system_clock};
    use crate::config::Config;
    use crate::domain::metric_stats::MetricFilter;
    use crate::domain::metrics::Metric;
    use crate::store::Location;
    use futures_util::StreamExt;
    use std::pin::pin;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(text_cell("plain"), "plain");
        assert_eq!(text_cell("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(text_cell("a;=1+1"), "\"a;=1+1\"");
        assert_eq!(text_cell("a\t=1+1"), "\"a\t=1+1\"");
        for lead in ["=", "+", "-", "@", "\t", "\r", "\n", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"] {
            assert_eq!(text_cell(&format!("{lead}1+1")), format!("\"'{lead}1+1\""));
            assert_eq!(text_cell(&format!("1{lead}")).trim_matches('"'), format!("1{lead}"));
        }
    }

    #[tokio::test]
    async fn a_stream_may_be_polled_after_its_end() {
        // The stream panicked when it was polled again after its end, as gzip does: compressed exports broke off.
        let app = App::open(Config::defaults(), Location::Memory, system_clock()).unwrap();
        let exported = export(&app, || MetricFilter::default().query(), Format::Csv).unwrap();
        let mut pieces = pin!(exported.pieces);
        let mut sent = 0;
        while let Some(piece) = pieces.next().await {
            sent += piece.unwrap().len();
        }
        assert!(sent > Metric::HEAD.join(",").len());
        assert!(pieces.next().await.is_none());
    }
}
