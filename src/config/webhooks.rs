//! Who is told of alerts and approvals.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::ConfigError;
use super::picker::Picker;

/// How many there may be: each is told of everything.
const MOST: usize = 16;

/// The webhooks.
#[derive(Debug, Clone, Default)]
pub struct Webhooks {
    /// Who is told.
    pub targets: Vec<Target>,
    /// The file of the secrets that sign.
    pub secret: Option<PathBuf>,
    /// The certificates by which targets are trusted; those of the system when missing.
    pub certificates: Option<PathBuf>,
}

impl Webhooks {
    pub(super) fn pick(pick: &mut Picker<'_>) -> Result<Self, ConfigError> {
        let targets = pick.read_list("webhook", |s| s.webhook.take(), Target::parse)?;
        let secret = pick.file("webhook_secret", |s| s.webhook_secret.take(), "none");
        let certificates = pick.file("webhook_cert", |s| s.webhook_cert.take(), "the system's");
        if targets.len() > MOST {
            return Err(ConfigError(format!("webhook: there are more than {MOST}")));
        }
        for (n, target) in targets.iter().enumerate() {
            if targets[..n].iter().any(|other| other.identity == target.identity) {
                return Err(ConfigError(format!("webhook: {target} is there twice")));
            }
        }
        if !targets.is_empty() && secret.is_none() {
            let why = "webhook needs webhook-secret: name a file with the secret that signs what is sent";
            return Err(ConfigError(why.into()));
        }
        Ok(Self { targets, secret, certificates })
    }
}

/// A URL that is told. It is shown without its password and query.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The host as the URL writes it, with a port that is not the usual one.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The name and password in the URL, with a colon between them.
    pub credentials: Option<String>,
    /// What makes it another target: all but the password.
    pub identity: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is none, or not one that can be told. The reason holds nothing secret.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        if !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a URL has no spaces and is ASCII: write other characters as %XX".into());
        }
        let (scheme, rest) = url.split_once("://").ok_or("it begins with http:// or https://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("it begins with http:// or https://".into()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, authority),
        };
        let authority = authority.to_ascii_lowercase();
        let bracket = authority.rfind(']').map_or(0, |at| at + 1);
        let (name, port) = match authority[bracket..].split_once(':') {
            Some((name, port)) => (&authority[..bracket + name.len()], Some(port)),
            None => (authority.as_str(), None),
        };
        let usual = if tls { 443 } else { 80 };
        let port: u16 = match port {
            None | Some("") => usual,
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("its port is none")?,
        };
        let host = match name.strip_prefix('[') {
            Some(rest) => {
                rest.strip_suffix(']').filter(|inner| inner.parse::<Ipv6Addr>().is_ok()).map(str::to_owned)
            }
            None => Some(name.to_owned()).filter(|name| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }),
        };
        let host = host.ok_or("its host is none")?;
        let authority = if port == usual { name.to_owned() } else { format!("{name}:{port}") };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let named =
            user.map_or(String::new(), |user| user.split(':').next().unwrap_or_default().to_owned() + "@");
        let identity = format!("{}://{named}{authority}{path}", scheme.to_ascii_lowercase());
        let credentials =
            user.map(|user| if user.contains(':') { decoded(user) } else { decoded(user) + ":" });
        Ok(Self { tls, host, port, authority, path, credentials, identity })
    }
}

/// Undoes percent-encoding; what is none stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|two| first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let user = if self.credentials.is_some() { "***@" } else { "" };
        write!(f, "{scheme}://{user}{}", self.authority)?;
        match self.path.split_once('?') {
            Some((path, _)) => write!(f, "{path}?***"),
            None => f.write_str(&self.path),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_secrets() {
        for (url, host, port, path, credentials, shown) in [
            ("http://hooks.example", "hooks.example", 80, "/", None, "http://hooks.example/"),
            ("HTTPS://Hooks.Example:443/a#b", "hooks.example", 443, "/a", None, "https://hooks.example/a"),
            ("http://[::1]:9/x", "::1", 9, "/x", None, "http://[::1]:9/x"),
            (
                "https://u:p%40@h:8443/a?key=s",
                "h",
                8443,
                "/a?key=s",
                Some("u:p@"),
                "https://***@h:8443/a?***",
            ),
            ("https://only@h?k", "h", 443, "/?k", Some("only:"), "https://***@h/?***"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(
                (target.host.as_str(), target.port, target.path.as_str()),
                (host, port, path),
                "{url}"
            );
            assert_eq!(target.credentials.as_deref(), credentials, "{url}");
            assert_eq!(target.to_string(), shown, "{url}");
            assert!(!format!("{target:?}").contains("p@") && !target.identity.contains("p%40"), "{url}");
        }
        for url in [
            "",
            "hooks.example",
            "ftp://h",
            "http://",
            "http://:80",
            "http://h:0",
            "http://h:x",
            "http://[x]/",
            "http://a b/",
            "http://h\u{e9}",
            "http://h:99999",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
