//! TLS: the API and the stream through it, what else comes to its port, and certificates that change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use agentmap::config::Config;
use agentmap::http::tls::Tls;
use agentmap::store::Location;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};

use crate::harness::{DEADLINE, Server};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn settings(certificate: &Path, key: &Path) -> Config {
    Config { tls_cert: Some(certificate.into()), tls_key: Some(key.into()), ..Config::defaults() }
}

async fn start() -> Server {
    let config = settings(&fixture("first.pem"), &fixture("first.key"));
    Server::start_with(config, Location::Memory).await
}

/// A client that knows one certificate.
async fn connect_by(
    server: &Server,
    trusted: &str,
    version: &'static SupportedProtocolVersion,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fixture(trusted)).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await
}

async fn connect(server: &Server, trusted: &str) -> io::Result<TlsStream<TcpStream>> {
    connect_by(server, trusted, &TLS13).await
}

/// Sends a request, and reads until the server closes the connection.
async fn get(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, host: &str) -> String {
    let request = format!("GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn the_api_and_the_stream_are_there_through_tls() {
    let server = start().await;
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let stream = connect_by(&server, "first.pem", version).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = get(stream, server.address()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(!answer.to_lowercase().contains("strict-transport-security"), "{answer}");
    }
    let stream = connect(&server, "first.pem").await.unwrap();
    let url = format!("wss://{}/ws", server.address());
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let greeting = tokio::time::timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(greeting.into_text().unwrap().contains("\"type\":"));
    // Who trusts another certificate comes to nothing.
    assert!(connect(&server, "second.pem").await.is_err());
    drop(socket);
    server.stop().await;
}

#[tokio::test]
async fn plain_http_is_told_where_tls_is() {
    let server = start().await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let answer = get(stream, server.address()).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
    connect(&server, "first.pem").await.unwrap();
}

#[tokio::test]
async fn who_stalls_in_the_handshake_holds_up_nobody_and_is_let_go() {
    let server = start().await;
    let silent = TcpStream::connect(server.address()).await.unwrap();
    let mut halfway = TcpStream::connect(server.address()).await.unwrap();
    // The beginning of a record of the handshake.
    halfway.write_all(&[22, 3, 1]).await.unwrap();
    let answer = get(connect(&server, "first.pem").await.unwrap(), server.address()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // From here on time passes whenever nothing else happens.
    tokio::time::pause();
    for mut stream in [silent, halfway] {
        let mut rest = Vec::new();
        // The end, or a reset: bytes were left unread.
        let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && rest.is_empty(), "{rest:?}");
    }
    tokio::time::resume();
    // One that is in the handshake when the server is to stop does not keep it.
    let _stalled = TcpStream::connect(server.address()).await.unwrap();
    server.stop().await;
}

/// Puts a pair in place of another, as what renews certificates does, and lets the server look.
async fn replace(folder: &Path, certificate: &Path, key: &Path, age: u64) {
    for (name, file) in [("cert.pem", certificate), ("cert.key", key)] {
        let path = folder.join(name);
        std::fs::copy(file, &path).unwrap();
        // The times of files are coarse: two writes may have the same.
        let written = std::fs::File::options().write(true).open(&path).unwrap();
        written.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age)).unwrap();
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
}

/// Connects until the server shows a certificate.
async fn shows(server: &Server, certificate: &str) {
    let begun = Instant::now();
    while let Err(error) = connect(server, certificate).await {
        assert!(begun.elapsed() < DEADLINE, "{certificate} is not shown: {error}");
    }
}

#[tokio::test]
async fn a_certificate_that_changes_is_taken_up_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] =
        ["first", "second"].map(|name| (fixture(&format!("{name}.pem")), fixture(&format!("{name}.key"))));
    replace(folder.path(), &first.0, &first.1, 1).await;
    let config = settings(&folder.path().join("cert.pem"), &folder.path().join("cert.key"));
    let server = Server::start_with(config, Location::Memory).await;
    let before = connect(&server, "first.pem").await.unwrap();
    replace(folder.path(), &second.0, &second.1, 2).await;
    shows(&server, "second.pem").await;
    assert!(connect(&server, "first.pem").await.is_err());
    // Who was connected before noticed nothing.
    let answer = get(before, server.address()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A pair that does not fit, and what is no certificate.
    for (age, certificate) in [(3, &first.0), (4, &first.1)] {
        replace(folder.path(), certificate, &second.1, age).await;
        shows(&server, "second.pem").await;
    }
    replace(folder.path(), &first.0, &first.1, 5).await;
    shows(&server, "first.pem").await;
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = (fixture("first.pem"), fixture("first.key"));
    let torn = &std::fs::read_to_string(&certificate).unwrap()[..100];
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let empty_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key, wrong, names) in [
        (&folder.path().join("none.pem"), &key, "cannot be read", "none.pem"),
        (&certificate, &folder.path().join("none.key"), "cannot be read", "none.key"),
        (&key, &key, "holds no certificate", "first.key"),
        (&certificate, &certificate, "holds no key", "first.pem"),
        (&certificate, &fixture("second.key"), "is not the key of the certificate", "second.key"),
        (&written("torn.pem", torn), &key, "is damaged", "torn.pem"),
        (&written("odd.pem", not_der), &key, "is damaged", "odd.pem"),
        (&certificate, &written("odd.key", empty_key), "cannot be used", "odd.key"),
        (&written("empty.pem", ""), &key, "holds no certificate", "empty.pem"),
    ] {
        let error = Tls::load(&settings(certificate, key)).err().expect(names).to_string();
        assert!(error.contains(wrong) && error.contains(names), "{error}");
    }
    assert!(Tls::load(&Config::defaults()).unwrap().is_none());
}
