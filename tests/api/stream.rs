//! A client of the stream.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::harness::DEADLINE;

/// A connection to the stream.
pub struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Events of a joined frame that nobody asked for yet.
    joined: std::collections::VecDeque<Value>,
    /// How many joined frames came.
    pub batches: usize,
}

impl Stream {
    pub async fn connect(url: &str) -> Self {
        let (socket, _) = timeout(DEADLINE, tokio_tungstenite::connect_async(url)).await.unwrap().unwrap();
        Self { socket, joined: std::collections::VecDeque::new(), batches: 0 }
    }

    async fn message(&mut self) -> Option<Message> {
        timeout(DEADLINE, self.socket.next()).await.expect("the stream is silent").map(Result::unwrap)
    }

    /// The next text frame.
    pub async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("no text frame: {other:?}"),
            }
        }
    }

    /// The two frames that come first.
    pub async fn greeted(&mut self) -> (Value, Value) {
        (self.frame().await, self.frame().await)
    }

    /// The next event, gap or answer, taken out of joined frames.
    pub async fn event(&mut self) -> Value {
        loop {
            if let Some(event) = self.joined.pop_front() {
                return event;
            }
            let mut frame = self.frame().await;
            if frame["type"] != "batch" {
                return frame;
            }
            self.batches += 1;
            let Value::Array(events) = frame["events"].take() else { panic!("no events: {frame}") };
            self.joined.extend(events);
        }
    }

    pub async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event().await);
        }
        events
    }

    /// All events until the one with this number.
    pub async fn events_up_to(&mut self, seq: u64) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            let last = event["seq"] == seq;
            events.push(event);
            if last {
                return events;
            }
        }
    }

    pub async fn send(&mut self, message: impl Into<Message>) {
        timeout(DEADLINE, self.socket.send(message.into())).await.unwrap().unwrap();
    }

    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Reads on until the server closes, and gives its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Message::Close(Some(close))) => return close.code.into(),
                Some(Message::Close(None)) | None => panic!("closed without a code"),
                Some(_) => {}
            }
        }
    }

    /// The next message of any kind.
    pub async fn raw(&mut self) -> Message {
        self.message().await.expect("the stream ended")
    }
}
