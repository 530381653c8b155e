//! One client of the live stream.
//!
//! A client has a place in the stream, the number of the last event it was sent, and pulls what follows: from the
//! live bus where that still holds it, else from the log. Replay and live are the same loop, so that there is no
//! seam between them. A slow client is behind, not queued for: it costs no memory and slows nobody.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::joined::{joinable, joined};
use super::stream_filter::Wanted;
use super::websocket::Socket;
use crate::App;
use crate::app::{Failure, Subscriber};
use crate::domain::access::Caller;
use crate::domain::live::LiveEvent;

/// The largest frame that a client may send, in bytes.
pub(super) const MAX_FRAME: usize = 64 * 1024;
/// How often the server asks whether the client is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How many such questions may go unanswered.
const UNANSWERED: u32 = 2;
/// How long a client may take to read what was sent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many events one turn sends at most.
const TURN: usize = 512;
/// A client that takes longer than this for one turn reads slowly: the next turn is joined in one frame.
const SLOW: Duration = Duration::from_millis(100);
/// Close codes (RFC 6455, section 7.4.1, and the IANA registry).
const GOING_AWAY: u16 = 1001;
const NOT_ALLOWED: u16 = 1008;
const TOO_BIG: u16 = 1009;
const TRY_AGAIN_LATER: u16 = 1013;
const INTERNAL_ERROR: u16 = 1011;

/// Why a client is no longer followed.
enum End {
    /// Say this and close.
    Close(u16, &'static str),
    /// The client is gone.
    Gone,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        tracing::error!(%failure, "the stream could not be read");
        Self::Close(INTERNAL_ERROR, "storage is failing")
    }
}

/// A client that follows the stream.
pub(super) struct Client {
    app: Arc<App>,
    wanted: Wanted,
    socket: Socket,
    caller: Caller,
    /// The stream's last event when the client came. A client that is cut off before it gets any goes on from there.
    last_seq: u64,
    /// The last event that was sent or passed over.
    seen: u64,
    slow: bool,
    unanswered: u32,
    /// Answers to what the client said, to be sent before more events.
    answers: VecDeque<Message>,
    _subscriber: Subscriber,
}

impl Client {
    pub fn new(
        app: Arc<App>,
        wanted: Wanted,
        socket: Socket,
        caller: Caller,
        subscriber: Subscriber,
    ) -> Self {
        // A number from the future is of another database: what follows is all there is.
        let last_seq = app.live().last_seq();
        let seen = wanted.since.map_or(last_seq, |since| since.min(last_seq));
        Self {
            app,
            wanted,
            socket,
            caller,
            last_seq,
            seen,
            slow: false,
            unanswered: 0,
            answers: VecDeque::new(),
            _subscriber: subscriber,
        }
    }

    /// Follows the stream until there is an end to it.
    pub async fn follow(mut self) {
        let mut stopping = self.app.stopping();
        let end = tokio::select! {
            end = self.run() => end,
            _ = stopping.wait_for(|stop| *stop) => End::Close(GOING_AWAY, "the server shuts down"),
        };
        if let End::Close(code, reason) = end {
            let close = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            // The client answers a close with its own; it gets a moment to.
            let farewell = async {
                if self.socket.send(Message::Close(Some(close))).await.is_ok() {
                    while let Some(Ok(message)) = self.socket.next().await {
                        if message.is_close() {
                            break;
                        }
                    }
                }
            };
            let _ = timeout(Duration::from_secs(1), farewell).await;
        }
    }

    async fn run(&mut self) -> End {
        match self.greet().await {
            Ok(()) => self.pump().await,
            Err(end) => end,
        }
    }

    async fn greet(&mut self) -> Result<(), End> {
        let now = self.app.now();
        let connection = json!({
            "type": "connection", "status": "connected", "message": "Following the live stream", "timestamp": now,
        });
        let stats = json!({
            "type": "stats",
            "data": {
                "total_agents": self.app.roster().len(),
                "active_connections": self.app.subscribers(),
                "last_seq": self.last_seq,
            },
            "timestamp": now,
        });
        self.answers.extend([connection, stats].map(|frame| Message::text(frame.to_string())));
        self.send_answers().await
    }

    /// Sends what there is, then waits for more, until there is an end to it.
    async fn pump(&mut self) -> End {
        let mut changes: watch::Receiver<u64> = self.app.live().changes();
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.tick().await;
        loop {
            changes.mark_unchanged();
            // A token that is revoked is an event of the stream, so that nobody hears what comes after it.
            if !self.app.keyring().still_admits(&self.caller, self.app.now()) {
                return End::Close(NOT_ALLOWED, "the token has ended");
            }
            match self.send_turn().await {
                Ok(true) => {
                    // There is more; but the client may have said something, or be due for a ping.
                    if let Err(end) = self.hear_waiting().await {
                        return end;
                    }
                    continue;
                }
                Ok(false) => {}
                Err(end) => return end,
            }
            // Also while nothing happens a token ends when it ends.
            let left = self.caller.expires_at.map(|end| end.0.saturating_sub(self.app.now().0).max(0));
            let expiry = async {
                match left {
                    Some(left) => sleep(Duration::from_micros(left.unsigned_abs())).await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                () = expiry => Ok(()),
                changed = changes.changed() => changed.map_err(|_| End::Gone),
                message = self.socket.next() => self.hear(message),
                _ = ping.tick() => self.ping(),
            };
            let sent = match heard {
                Ok(()) => self.send_answers().await,
                Err(end) => return end,
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// Sends the next events, and tells whether there are more.
    async fn send_turn(&mut self) -> Result<bool, End> {
        let published = self.app.live().last_seq();
        if self.seen >= published {
            return Ok(false);
        }
        let events = match self.app.live().after(self.seen, TURN) {
            Some(events) => events,
            None => {
                let logged = self.app.logged_events(self.seen, TURN).await?;
                logged.into_iter().map(|event| Arc::new(LiveEvent::new(event))).collect()
            }
        };
        // Where nothing is left of what was published, the gap reaches up to it.
        let first = events.first().map_or(published + 1, |e| e.event.seq);
        if first > self.seen + 1 {
            let gap = json!({"type": "gap", "from": self.seen + 1, "to": first - 1});
            self.feed(Message::text(gap.to_string())).await?;
        }
        let more = events.len() == TURN;
        let last = events.last().map_or(published, |e| e.event.seq);
        let wanted: Vec<_> = events.into_iter().filter(|event| self.wanted.holds(event)).collect();
        if wanted.is_empty() && first == self.seen + 1 {
            self.seen = last;
            return Ok(more);
        }
        let started = Instant::now();
        let mut rest = wanted.as_slice();
        while let Some(first) = rest.first() {
            let count = if self.slow { joinable(rest) } else { 1 };
            let frame = if count == 1 { first.frame().to_string() } else { joined(&rest[..count]) };
            self.feed(Message::text(frame)).await?;
            rest = &rest[count..];
        }
        self.flush().await?;
        self.slow = started.elapsed() > SLOW;
        self.seen = last;
        Ok(more)
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(Error::Capacity(_))) => {
                return Err(End::Close(TOO_BIG, "a frame is larger than 64 KiB"));
            }
            Some(Err(_)) | None => return Err(End::Gone),
        };
        if message.is_close() {
            return Err(End::Gone);
        }
        // Whatever a client says shows that it is there.
        self.unanswered = 0;
        let Message::Text(text) = message else { return Ok(()) };
        let kind = serde_json::from_str::<serde_json::Value>(&text).ok();
        match kind.as_ref().and_then(|v| v["type"].as_str()) {
            Some("pong") => {}
            Some("ping") => self.answers.push_back(Message::text(json!({"type": "pong"}).to_string())),
            _ => {
                let echo = json!({"type": "echo", "data": text.as_str(), "timestamp": self.app.now()});
                self.answers.push_back(Message::text(echo.to_string()));
            }
        }
        Ok(())
    }

    /// Hears what the client has said already, without waiting.
    async fn hear_waiting(&mut self) -> Result<(), End> {
        while let Some(message) = futures_util::FutureExt::now_or_never(self.socket.next()) {
            self.hear(message)?;
        }
        self.send_answers().await
    }

    fn ping(&mut self) -> Result<(), End> {
        if self.unanswered >= UNANSWERED {
            return Err(End::Close(TRY_AGAIN_LATER, "pings went unanswered"));
        }
        self.unanswered += 1;
        self.answers.push_back(Message::text(json!({"type": "ping"}).to_string()));
        self.answers.push_back(Message::Ping(Vec::new().into()));
        Ok(())
    }

    async fn send_answers(&mut self) -> Result<(), End> {
        if self.answers.is_empty() {
            return Ok(());
        }
        while let Some(answer) = self.answers.pop_front() {
            self.feed(answer).await?;
        }
        self.flush().await
    }

    async fn feed(&mut self, message: Message) -> Result<(), End> {
        bounded(self.socket.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), End> {
        bounded(self.socket.flush()).await
    }
}

/// Sends, unless the client stops reading.
async fn bounded(send: impl Future<Output = Result<(), Error>>) -> Result<(), End> {
    match timeout(PATIENCE, send).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(TRY_AGAIN_LATER, "the client stopped reading")),
    }
}
