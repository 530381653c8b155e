//! As little HTTP as a client needs: requests that are made once and sent often, and where an answer ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The bytes of a GET.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// The bytes of a POST.
pub fn post(path: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer that is there to its end.
#[derive(Clone, Copy)]
pub struct Answer {
    /// Where its body begins.
    pub head: usize,
    /// Where it ends.
    pub end: usize,
}

/// The answer at the start of `bytes`, once all of it is there.
///
/// # Panics
/// When it is no success: nothing that is measured may fail.
pub fn answer(bytes: &[u8]) -> Option<Answer> {
    let (head, end) = message(bytes)?;
    assert!(bytes.starts_with(b"HTTP/1.1 20"), "not a success: {}", String::from_utf8_lossy(bytes));
    Some(Answer { head, end })
}

/// Where the body of the message at the start of `bytes` begins and ends, once all of it is there.
///
/// # Panics
/// When it does not say how long it is.
pub fn message(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let Some(at) = memchr::memmem::find(&bytes[..head], b"content-length: ") else {
        panic!("of unknown length: {}", String::from_utf8_lossy(bytes));
    };
    let digits = bytes[at + 16..].iter().take_while(|byte| byte.is_ascii_digit());
    let end = head + digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    (bytes.len() >= end).then_some((head, end))
}

/// A kept connection that waits for each answer.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024], filled: 0 })
    }

    /// Sends a request and waits for the answer.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        self.filled = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.buffer[self.filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.filled += read,
            }
            if let Some(answer) = answer(&self.buffer[..self.filled]) {
                return Ok(answer);
            }
        }
    }

    /// The head of the last answer.
    pub fn head(&self, answer: Answer) -> &str {
        std::str::from_utf8(&self.buffer[..answer.head]).unwrap_or_default()
    }

    /// The body of the last answer.
    pub fn body(&self, answer: Answer) -> &[u8] {
        &self.buffer[answer.head..answer.end]
    }

    /// Reads a path as JSON.
    pub fn json(&mut self, path: &str) -> io::Result<serde_json::Value> {
        let answer = self.ask(&get(path))?;
        Ok(serde_json::from_slice(self.body(answer))?)
    }
}
