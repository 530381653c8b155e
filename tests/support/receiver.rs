//! Somebody who is told by webhooks: takes what comes, and answers as it is bidden.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;

/// What everything is signed with.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// An answer that never comes.
pub const SILENCE: u16 = 0;

/// What came.
#[derive(Debug, Clone)]
pub struct Came {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Came {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no {name}: {self:?}"), |(_, value)| value)
    }

    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checks the signature as receivers do.
    pub fn assert_signed(&self) {
        let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.id(), self.header("webhook-timestamp"), self.body);
        let tag = self.header("webhook-signature").strip_prefix("v1,").unwrap();
        let key: Hmac<sha2::Sha256> = Hmac::new_from_slice(&key).unwrap();
        key.chain_update(signed).verify_slice(&STANDARD.decode(tag).unwrap()).unwrap();
    }
}

#[derive(Default)]
struct Known {
    came: Vec<Came>,
    answers: VecDeque<u16>,
}

/// The receiver.
pub struct Receiver {
    pub url: String,
    known: Arc<Mutex<Known>>,
}

impl Receiver {
    pub fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// One that listens at this address.
    pub fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let known = Arc::new(Mutex::new(Known::default()));
        let shared = Arc::clone(&known);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || drop(take(&stream.unwrap(), &shared)));
            }
        });
        Self { url, known }
    }

    /// How the next are answered; 200 afterwards.
    pub fn answers(&self, answers: &[u16]) {
        self.known.lock().unwrap().answers.extend(answers);
    }

    /// All that came so far.
    pub fn came(&self) -> Vec<Came> {
        self.known.lock().unwrap().came.clone()
    }

    /// What came, once it is so many.
    pub fn wait_for(&self, count: usize) -> Vec<Came> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let came = self.came();
            if came.len() >= count {
                return came;
            }
            assert!(Instant::now() < deadline, "{came:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn take(stream: &TcpStream, known: &Mutex<Known>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut came = Came { line: line.trim().to_owned(), headers, body: String::new() };
    let mut body = vec![0; came.header("content-length").parse().unwrap()];
    reader.read_exact(&mut body)?;
    came.body = String::from_utf8(body).unwrap();
    let answer = {
        let mut known = known.lock().unwrap();
        known.came.push(came);
        known.answers.pop_front().unwrap_or(200)
    };
    if answer == SILENCE {
        // Until the other end hangs up.
        let _ = reader.read(&mut [0]);
        return Ok(());
    }
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {answer} Told\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}
