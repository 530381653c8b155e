//! TLS: the certificate that the server shows, from files that may change while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};
use tokio_rustls::server::TlsStream;
use warp::http::StatusCode;

use super::connection::refuse;
use super::error::Problem;
use crate::config::Config;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// The first byte of every TLS connection: a record of the handshake (RFC 8446, section 5.1). No HTTP begins so.
const HANDSHAKE: u8 = 22;
/// What a client is told that does not speak TLS.
const PLAIN: &str = "This port speaks TLS alone: the address begins with https://.";

/// Why TLS cannot be spoken: which file, and what about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// The certificate's two files, and what was read of them.
pub struct Tls {
    files: Files,
    seen: Stamp,
    /// How long a client may take for the handshake.
    patience: Duration,
    current: ArcSwap<ServerConfig>,
}

#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What tells whether a file changed: when, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// What the settings name, if they do.
    ///
    /// # Errors
    /// When a file cannot be read or used, or the key is not the certificate's.
    pub fn load(config: &Config) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (config.tls_cert.clone(), config.tls_key.clone()) else {
            return Ok(None);
        };
        let files = Files { certificate, key };
        // Before the files are read: what changes in between is read again.
        let seen = files.stamp();
        let current = ArcSwap::from_pointee(files.load()?);
        Ok(Some(Self { files, seen, patience: config.limits.header_time, current }))
    }

    /// Takes up a connection, if it is one of TLS. Who speaks plain HTTP is told so.
    pub async fn accept(&self, stream: TcpStream) -> Option<Box<TlsStream<TcpStream>>> {
        match timeout(self.patience, self.shake_hands(stream)).await {
            Ok(Ok(stream)) => return stream,
            Ok(Err(error)) => tracing::debug!(%error, "a connection did not come to speak TLS"),
            Err(_) => tracing::debug!("a connection did not come to speak TLS in time"),
        }
        None
    }

    async fn shake_hands(&self, stream: TcpStream) -> io::Result<Option<Box<TlsStream<TcpStream>>>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(None);
        }
        if first != [HANDSHAKE] {
            let problem = Problem::new(StatusCode::BAD_REQUEST, PLAIN);
            refuse(stream, problem).await.map_err(io::Error::other)?;
            return Ok(None);
        }
        let acceptor = TlsAcceptor::from(self.current.load_full());
        acceptor.accept(stream).await.map(|stream| Some(Box::new(stream)))
    }

    /// Takes up what the files come to hold, time and again. What cannot be used is told once, and changes nothing.
    pub async fn follow_files(&self) {
        let mut seen = self.seen;
        loop {
            sleep(LOOK).await;
            let files = self.files.clone();
            let looked = spawn_blocking(move || {
                let stamp = files.stamp();
                (stamp != seen).then(|| (stamp, files.load()))
            });
            let Ok(Some((stamp, loaded))) = looked.await else { continue };
            seen = stamp;
            match loaded {
                Ok(config) => {
                    self.current.store(Arc::new(config));
                    tracing::info!("the certificate's files changed; new connections are shown the new one");
                }
                Err(error) => {
                    tracing::error!(%error, "the certificate's files changed; the one so far stays in use");
                }
            }
        }
    }
}

impl Files {
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|file| {
            let about = std::fs::metadata(file).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }

    fn load(&self) -> Result<ServerConfig, TlsError> {
        let Self { certificate, key } = self;
        let explain = |error| unreadable("tls-cert", certificate, "certificate", &error);
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(explain)?;
        if chain.is_empty() {
            return Err(explain(pem::Error::NoItemsFound));
        }
        let secret = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| unreadable("tls-key", key, "key that is not encrypted", &error))?;
        let (certificate, key) = (certificate.display(), key.display());
        let explain = |error| {
            TlsError(match error {
                Error::InconsistentKeys(_) => {
                    format!("tls-key: {key} is not the key of the certificate in {certificate}")
                }
                Error::InvalidCertificate(_) => {
                    format!(
                        "tls-cert: the first certificate in {certificate} is damaged or of an unknown form"
                    )
                }
                error => format!("tls-key: the key in {key} cannot be used: {error}"),
            })
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(explain)?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(explain)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn unreadable(setting: &str, file: &Path, what: &str, error: &pem::Error) -> TlsError {
    let file = file.display();
    TlsError(match error {
        pem::Error::Io(error) => format!("{setting}: {file} cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("{setting}: {file} holds no {what} in PEM"),
        _ => format!("{setting}: {file} is damaged: its PEM cannot be read"),
    })
}
