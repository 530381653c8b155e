//! Where the stream is, and what of it is wanted.

use std::fmt::Write as _;
use std::path::PathBuf;

use hyper::Uri;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue};

use crate::cli::WatchArgs;
use crate::commands::Fault;

/// The server of a person who never named one.
pub const USUAL: &str = "http://127.0.0.1:8000";

/// A stream's address without the place to begin at.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The server as the user knows it.
    pub shown: String,
    /// The file of the certificate that it must show, where it speaks TLS.
    pub certificate: Option<PathBuf>,
    address: String,
    credential: Option<String>,
}

impl Target {
    /// The stream of a server, with the filters of the command line.
    ///
    /// # Errors
    /// When the address is none that can be connected to.
    pub fn new(
        server: &str,
        certificate: Option<PathBuf>,
        args: &WatchArgs,
        credential: Option<String>,
    ) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::new(format!("--url: '{}' {why}", server.escape_debug()));
        let (scheme, rest) = match server.split_once("://") {
            Some(("https" | "wss", rest)) => ("https", rest),
            Some(("http" | "ws", rest)) => ("http", rest),
            None => ("http", server),
            Some(_) => return Err(wrong("is no https://, wss://, http:// or ws:// address")),
        };
        match (scheme, &certificate) {
            ("https", None) => {
                return Err(wrong("needs --certificate, the file of the certificate that the server shows"));
            }
            ("http", Some(_)) => return Err(wrong("is no https:// address, and --certificate is for those")),
            _ => {}
        }
        let rest = rest.trim_end_matches('/');
        if rest.is_empty() || rest.starts_with(['/', ':']) || rest.contains(['?', '#', ' ']) {
            return Err(wrong("is no address of a server, such as http://127.0.0.1:8000"));
        }
        let kinds = (!args.kinds.is_empty()).then(|| args.kinds.join(","));
        let filters = [("agent_id", &args.agent), ("type", &kinds), ("session_id", &args.session)];
        let given = filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let stream = if scheme == "https" { "wss" } else { "ws" };
        let address = format!("{stream}://{rest}/ws?{}", query.join("&"));
        if address.parse::<Uri>().is_ok_and(|address| address.host().is_some()) {
            Ok(Self { shown: format!("{scheme}://{rest}"), certificate, address, credential })
        } else {
            Err(wrong("is no address of a server, such as http://127.0.0.1:8000"))
        }
    }

    /// The host to connect to, and its port.
    pub fn host(&self) -> (String, u16) {
        let usual = if self.certificate.is_some() { 443 } else { 80 };
        let address = self.address.parse::<Uri>().unwrap_or_default();
        (address.host().unwrap_or_default().to_owned(), address.port_u16().unwrap_or(usual))
    }

    /// The request for what follows after an event, with what opens the server.
    ///
    /// # Errors
    /// When the address or the token cannot be sent.
    pub fn request(&self, seq: Option<u64>) -> Result<Request, Error> {
        let mut request = self.after(seq).into_client_request()?;
        if let Some(secret) = &self.credential {
            let value = HeaderValue::from_str(&format!("Bearer {secret}"))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// The address of what follows after an event; without one, of what comes next.
    pub fn after(&self, seq: Option<u64>) -> String {
        let since = seq.map(|seq| format!("since={seq}")).unwrap_or_default();
        let joint = if self.address.ends_with('?') || since.is_empty() { "" } else { "&" };
        format!("{}{joint}{since}", self.address)
    }
}

/// Percent-encoded (RFC 3986, section 2.1) but for what is safe anywhere.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> WatchArgs {
        WatchArgs {
            url: None,
            certificate: None,
            since: None,
            agent: None,
            kinds: Vec::new(),
            session: None,
            json: false,
            count: None,
        }
    }

    #[test]
    fn addresses_of_all_forms_lead_to_the_stream() {
        for (server, address) in [
            ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws?"),
            ("ws://[::1]:8000/", "ws://[::1]:8000/ws?"),
            ("agents.example:80", "ws://agents.example:80/ws?"),
            ("http://example.org/map/", "ws://example.org/map/ws?"),
        ] {
            assert_eq!(Target::new(server, None, &args(), None).unwrap().after(None), address, "{server}");
        }
        for server in
            ["", "https://example.org", "ftp://example.org", "http://", "http:///x", "http://a?b", "a b"]
        {
            assert!(Target::new(server, None, &args(), None).is_err(), "{server}");
        }
    }

    #[test]
    fn a_certificate_is_for_tls_and_tls_needs_one() {
        let certificate = Some(PathBuf::from("server.pem"));
        for (server, host, port) in
            [("https://[::1]:8443", "[::1]", 8443), ("wss://example.org/map", "example.org", 443)]
        {
            let target = Target::new(server, certificate.clone(), &args(), None).unwrap();
            assert!(target.after(None).starts_with("wss://"), "{server}");
            assert_eq!(target.host(), (host.to_owned(), port));
            assert!(Target::new(server, None, &args(), None).is_err(), "{server}");
        }
        assert_eq!(
            Target::new("example.org", None, &args(), None).unwrap().host(),
            ("example.org".into(), 80)
        );
        assert!(Target::new("http://example.org", certificate, &args(), None).is_err());
    }

    #[test]
    fn filters_are_escaped_and_the_place_comes_last() {
        let args = WatchArgs {
            agent: Some("a&b=ü".into()),
            kinds: vec!["budget_alert".into(), "task_failed".into()],
            session: Some("s 1".into()),
            ..args()
        };
        let target = Target::new("http://h", None, &args, None).unwrap();
        let filters = "agent_id=a%26b%3D%C3%BC&type=budget_alert%2Ctask_failed&session_id=s%201";
        assert_eq!(target.after(Some(7)), format!("ws://h/ws?{filters}&since=7"));
        assert_eq!(
            Target::new("http://h", None, &self::args(), None).unwrap().after(Some(7)),
            "ws://h/ws?since=7"
        );
    }
}
