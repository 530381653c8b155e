//! `agentmap watch`: the live stream in the terminal.

mod frame;
mod target;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::connection::{self, Connection};
use super::{Fault, Ran, client, output, presence};
use crate::cli::WatchArgs;
use crate::config::Config;
use frame::Frame;
use target::{Target, USUAL};

/// The pause before the first try to connect again; it doubles up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The server asks every 30 s whether the client is there. Where nothing comes for so long it is gone itself.
const SILENCE: Duration = Duration::from_secs(75);
/// The largest message that is read: many events of the largest size in one batch.
const MAX_MESSAGE: usize = 128 * 1024 * 1024;

type Socket = WebSocketStream<Connection>;

pub async fn watch(config: Config, args: WatchArgs) -> Ran {
    tokio::select! {
        ran = follow(&config, &args) => ran,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
    }
}

async fn follow(config: &Config, args: &WatchArgs) -> Ran {
    let (target, mut socket) = connect_first(config, args).await?;
    let mut watcher = Watcher::new(args);
    loop {
        if watcher.is_done() {
            return Ok(ExitCode::SUCCESS);
        }
        let why = match watcher.read(&mut socket).await? {
            End::Done => {
                let _ = timeout(FIRST_PAUSE, socket.close(None)).await;
                return Ok(ExitCode::SUCCESS);
            }
            End::Lost(why) => output::safe(&why),
        };
        output::complain(&format!("{why}; trying to connect to {} again", target.shown));
        socket = reconnect(&target, watcher.position).await;
        output::complain(&match watcher.position {
            Some(seq) => format!("connected again; going on after event {seq}"),
            None => "connected again".to_owned(),
        });
    }
}

/// Connects to the server that the user named, else to that of the data, else to the usual address.
async fn connect_first(config: &Config, args: &WatchArgs) -> Result<(Target, Socket), Fault> {
    let token = client::credential(None);
    let named = match (&args.url, presence::find(&config.data)) {
        (Some(url), _) => vec![(url.clone(), args.certificate.clone(), token)],
        // The note may be that of a server that was killed.
        (None, Some(note)) => {
            let credential = client::credential(Some(&note));
            vec![(note.url(), note.certificate, credential), (USUAL.into(), None, token)]
        }
        (None, None) => vec![(USUAL.into(), None, token)],
    };
    let mut refusals = Vec::new();
    for (server, certificate, credential) in named {
        let target = Target::new(&server, certificate, args, credential)?;
        match connect(&target, args.since).await {
            Ok(socket) => return Ok((target, socket)),
            Err(why) => refusals.push(format!("{}: {why}", target.shown)),
        }
    }
    let hint =
        if args.url.is_none() { "; `agentmap serve` starts a server, --url names another" } else { "" };
    Err(Fault::new(format!(
        "cannot follow the stream of {}{hint}",
        output::safe(&refusals.join(", nor of "))
    )))
}

/// Why a server refuses, in its own words.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

async fn connect(target: &Target, after: Option<u64>) -> Result<Socket, String> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let request = target.request(after).map_err(|e| e.to_string())?;
    let connecting = async {
        let (host, port) = target.host();
        let stream = connection::connect(&host, port, target.certificate.as_deref()).await?;
        client_async_with_config(request, stream, Some(config)).await
    };
    match timeout(PATIENCE, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(answer))) => {
            let problem: Option<Problem> =
                answer.body().as_deref().and_then(|body| serde_json::from_slice(body).ok());
            let detail = problem.map(|problem| format!(" ({})", problem.detail)).unwrap_or_default();
            Err(format!("it answers {}, not a stream{detail}", answer.status()))
        }
        Ok(Err(Error::Io(error))) => Err(error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it does not answer".into()),
    }
}

async fn reconnect(target: &Target, after: Option<u64>) -> Socket {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        if let Ok(socket) = connect(target, after).await {
            return socket;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why a connection is no longer read.
enum End {
    /// All that was wanted was printed.
    Done,
    /// It broke, or was closed.
    Lost(String),
}

struct Watcher {
    json: bool,
    colours: bool,
    /// Whether somebody looks on.
    talks: bool,
    /// How many events are still wanted.
    left: Option<u64>,
    /// The last event that was seen: the place to go on from.
    position: Option<u64>,
}

impl Watcher {
    fn new(args: &WatchArgs) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            json: args.json,
            colours: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            talks: terminal && !args.json,
            left: args.count,
            position: args.since,
        }
    }

    fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// Prints what a connection brings until it breaks or enough was printed.
    async fn read(&mut self, socket: &mut Socket) -> Result<End, Fault> {
        loop {
            let message = match timeout(SILENCE, socket.next()).await {
                Err(_) => return Ok(End::Lost("the server fell silent".into())),
                Ok(None) => return Ok(End::Lost("the server is gone".into())),
                Ok(Some(Err(error))) => return Ok(End::Lost(format!("the connection broke: {error}"))),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => {
                    if self.hear(&text)? {
                        let pong = Message::text(r#"{"type":"pong"}"#);
                        if let Err(error) = socket.send(pong).await {
                            return Ok(End::Lost(format!("the connection broke: {error}")));
                        }
                    }
                    if self.is_done() {
                        return Ok(End::Done);
                    }
                }
                Message::Close(Some(close)) if !close.reason.is_empty() => {
                    return Ok(End::Lost(format!("the connection was closed: {}", close.reason)));
                }
                Message::Close(_) => return Ok(End::Lost("the server closed the connection".into())),
                _ => {}
            }
        }
    }

    /// Takes in what the server says, and tells whether it wants an answer.
    fn hear(&mut self, text: &str) -> Result<bool, Fault> {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
            output::complain("the server sent something that is not understood; it is left out");
            return Ok(false);
        };
        match (frame.kind.as_str(), frame.seq) {
            ("ping", _) => return Ok(true),
            ("stats", None) => self.greet(&frame)?,
            ("gap", None) => self.miss(&frame),
            ("batch", None) => {
                for event in &frame.events {
                    if !self.is_done() {
                        self.hear(event.get())?;
                    }
                }
            }
            (_, Some(seq)) => {
                self.show(text, &frame)?;
                self.position = Some(seq);
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            // Greetings, and whatever later servers say.
            _ => {}
        }
        Ok(false)
    }

    /// Compares where the server is with what was seen.
    fn greet(&mut self, stats: &Frame<'_>) -> Result<(), Fault> {
        let Some(last) = stats.data.last_seq else { return Ok(()) };
        match self.position {
            Some(seen) if seen > last => {
                output::complain(&format!(
                    "the server's last event is {last}, before event {seen}: it has other data now; following it from \
                     there"
                ));
                self.position = Some(last);
            }
            Some(_) => {}
            // What comes next follows on this event, also when the connection breaks before it comes.
            None => self.position = Some(last),
        }
        if self.talks {
            let agents = stats.data.total_agents.unwrap_or(0);
            output::print(&format!(
                "Following {agents} agents; the last event so far is {last}. Stop with Ctrl-C."
            ))?;
        }
        Ok(())
    }

    /// Tells what is missing for good.
    fn miss(&mut self, gap: &Frame<'_>) {
        let (Some(from), Some(to)) = (gap.from, gap.to) else { return };
        let what = if from == to { format!("event {from} is") } else { format!("events {from} to {to} are") };
        output::complain(&format!("{what} missing: the server no longer keeps them"));
        self.position = self.position.max(Some(to));
    }

    fn show(&self, text: &str, event: &Frame<'_>) -> Result<(), Fault> {
        if !self.json {
            return output::print(&event.line(self.colours));
        }
        if !text.contains('\n') {
            return output::print(text);
        }
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| Fault::new(e.to_string()))?;
        output::print(&value.to_string())
    }
}
