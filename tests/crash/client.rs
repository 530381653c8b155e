//! A client that keeps its connection, one request at a time.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::process::PATIENCE;

pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request and reads the answer; an error when the connection ends before all of it is there.
    pub fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        read(self.exchange(method, path, "", body)?)
    }

    /// As [`request`](Self::request), with a key that makes a repeat safe.
    pub fn post_once(&mut self, path: &str, key: &str, body: &Value) -> Result<(u16, Value)> {
        read(self.exchange("POST", path, &format!("idempotency-key: {key}\r\n"), Some(body))?)
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Vec<u8>)> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let line = self.line()?;
        let bad = || Error::from(ErrorKind::InvalidData);
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(bad)?;
        let mut length = 0;
        loop {
            let header = self.line()?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| bad())?;
            }
            assert!(!header.starts_with("transfer-encoding:"), "this client reads no chunks");
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok((status, bytes))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// What is there, which must be.
    pub fn get(&mut self, path: &str) -> Value {
        let (status, value) = self.request("GET", path, None).unwrap();
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// As [`get`](Self::get), byte for byte.
    pub fn get_bytes(&mut self, path: &str) -> Vec<u8> {
        let (status, bytes) = self.exchange("GET", path, "", None).unwrap();
        assert_eq!(status, 200, "{path}");
        bytes
    }
}

fn read((status, bytes): (u16, Vec<u8>)) -> Result<(u16, Value)> {
    Ok((status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? }))
}
