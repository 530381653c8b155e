//! The guard before all routing: by which names this server is addressed, and whose pages address it.
//!
//! A page of a stranger reaches a server on this machine in two ways. It asks across origins, and the browser says so
//! in `Origin` or `Sec-Fetch-Site`. Or its own name comes to mean this machine (DNS rebinding): to the browser that is
//! one origin then, and only `Host` still tells the stranger's name. Both get 403, whatever the method: what CORS
//! merely hides from a page was done all the same.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use warp::http::header::{HOST, HeaderName, ORIGIN};
use warp::http::{HeaderMap, Request, StatusCode};

use super::error::Problem;
use crate::config::Config;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What a page of a stranger is told.
const FOREIGN: &str = "Pages of this origin may not talk to this server; --cors-origin names those that may.";

/// Who may address this server, and as what.
pub struct Guard {
    bound: IpAddr,
    names: Vec<Name>,
    origins: Vec<String>,
    tls: bool,
}

/// A name or an address of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    /// In lower case, without the dot of the root.
    Name(String),
}

/// A host with its port, where one is said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    name: Name,
    port: Option<u16>,
}

impl Authority {
    /// Reads what `Host` holds (RFC 9110, section 7.2). Nothing but a name or an address and a port passes: no user, no
    /// list, no forms of an address that only some programs understand.
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let port = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
                (Name::Address(address.parse::<Ipv6Addr>().ok()?.into()), port)
            }
            None => {
                let (host, port) = text.split_once(':').unwrap_or((text, ""));
                (Name::parse(host)?, port)
            }
        };
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|_| digits)?) };
        Some(Self { name, port })
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let sane = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        (!text.is_empty() && text.bytes().all(sane)).then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl Guard {
    /// The guard of a server that listens at `bound`.
    #[must_use]
    pub fn new(config: &Config, bound: SocketAddr) -> Self {
        let names = config.allowed_hosts.iter();
        let names = names.filter_map(|name| Authority::parse(name).map(|parsed| parsed.name)).collect();
        Self {
            bound: bound.ip().to_canonical(),
            names,
            origins: config.cors_origins.clone(),
            tls: config.tls_cert.is_some(),
        }
    }

    /// Lets a request pass, or says why not.
    ///
    /// # Errors
    /// 400 where it does not say in one way whom it addresses, 403 where that is not this server, or where a page of a
    /// stranger sent it.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let addressed = addressed(request)?;
        if !addressed.iter().all(|authority| self.goes_by(&authority.name)) {
            let text =
                "This server does not go by the name in 'Host'; --allowed-host names those that it goes by.";
            return Err(Problem::new(StatusCode::FORBIDDEN, text));
        }
        let headers = request.headers();
        let mut origins = headers.get_all(ORIGIN).iter().peekable();
        let strange = if origins.peek().is_some() {
            !origins.all(|origin| origin.to_str().is_ok_and(|origin| self.knows(origin, &addressed)))
        } else {
            strays_in(headers)
        };
        if strange { Err(Problem::new(StatusCode::FORBIDDEN, FOREIGN)) } else { Ok(()) }
    }

    /// Whether a name means this server. No name of a stranger's is an address, and a page of an address is of the
    /// server there: where all addresses are listened at, each is this server's. But for those that mean all: browsers
    /// take them for this machine, too.
    fn goes_by(&self, name: &Name) -> bool {
        let own = match name {
            Name::Address(address) => {
                let address = address.to_canonical();
                let everywhere = self.bound.is_unspecified();
                let loopback = self.bound.is_loopback() && address.is_loopback();
                !address.is_unspecified() && (everywhere || loopback || address == self.bound)
            }
            Name::Name(name) => {
                name == "localhost" && (self.bound.is_loopback() || self.bound.is_unspecified())
            }
        };
        own || self.names.contains(name)
    }

    /// Whether an origin is this server's own, or one whose pages are welcome.
    fn knows(&self, origin: &str, addressed: &[Authority]) -> bool {
        self.origins.iter().any(|known| known == origin) || self.is_own(origin, addressed)
    }

    /// Whether a page of this origin came from where this request goes. A proxy may speak TLS in front of a server that
    /// does not; a page without TLS is not one of a server with it.
    fn is_own(&self, origin: &str, addressed: &[Authority]) -> bool {
        let (usual, host) = match origin.split_once("://") {
            Some(("https", host)) => (443, host),
            Some(("http", host)) if !self.tls => (80, host),
            _ => return false,
        };
        let Some(page) = Authority::parse(host) else { return false };
        let same =
            |to: &Authority| to.name == page.name && to.port.unwrap_or(usual) == page.port.unwrap_or(usual);
        addressed.iter().all(same)
    }
}

/// Whom a request addresses: `Host`, and the authority of a target in absolute form, which would come before it
/// (RFC 9112, section 3.2.2). Both must be this server's.
fn addressed<B>(request: &Request<B>) -> Result<Vec<Authority>, Problem> {
    let refused = |text: &str| Problem::new(StatusCode::BAD_REQUEST, text);
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(refused("The request needs one header 'Host'."));
    };
    let target = request.uri().authority().map(warp::http::uri::Authority::as_str);
    let named = host.to_str().ok().into_iter().chain(target);
    let parsed: Option<Vec<_>> = named.map(Authority::parse).collect();
    let malformed = || refused("The header 'Host' is not a name or an address with a port.");
    parsed.filter(|all| host.to_str().is_ok() && !all.is_empty()).ok_or_else(malformed)
}

/// Whether a page of another site makes the browser ask without an `Origin`, as for a picture or a script. It cannot
/// read the answer, but it learns how long that took. A link that leads here is welcome.
fn strays_in(headers: &HeaderMap) -> bool {
    let says = |name: HeaderName, value: &str| headers.get_all(name).iter().any(|v| v == value);
    let follows_a_link = says(SEC_FETCH_MODE, "navigate") && says(SEC_FETCH_DEST, "document");
    says(SEC_FETCH_SITE, "cross-site") && !follows_a_link
}

#[cfg(test)]
mod tests;
