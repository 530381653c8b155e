//! A handler that panics.

use std::future::pending;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::app::system_clock;
use crate::config::Config;
use crate::http::connection::Connections;
use crate::http::middleware;
use crate::http::reply::Ok200;
use crate::store::Location;

async fn panics(_: Arc<App>) -> Result<Ok200<String>, Problem> {
    panic!("a secret of the server")
}

async fn panics_elsewhere(app: Arc<App>) -> Result<Ok200<String>, Problem> {
    Ok(Ok200(app.read_many(|_, _, _| panic!("a secret of the server")).await?))
}

async fn works(_: Arc<App>) -> Result<Ok200<String>, Problem> {
    Ok(Ok200("works".into()))
}

#[tokio::test]
async fn a_panic_costs_its_request_and_nothing_else() {
    let app = App::open(Config::defaults(), Location::Memory, system_clock()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = listener.local_addr().unwrap();
    let endpoints = [
        Endpoint::get("/panics", "", panics),
        Endpoint::get("/elsewhere", "", panics_elsewhere),
        Endpoint::get("/works", "", works),
    ];
    let routed = filter_of(endpoints, Arc::clone(&app), bound).unwrap();
    let service = middleware::around(&app, bound, warp::service(routed));
    tokio::spawn(Arc::new(Connections::new(app, None)).serve(listener, service, pending()));
    // All on one connection, which goes on.
    let mut client = TcpStream::connect(bound).await.unwrap();
    for (path, status) in [("/panics", 500), ("/elsewhere", 500), ("/works", 200), ("/panics", 500)] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut heard = vec![0; 4096];
        let length = client.read(&mut heard).await.unwrap();
        let heard = String::from_utf8_lossy(&heard[..length]);
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {heard}");
        assert_eq!(heard.contains("request_id"), status == 500, "{heard}");
        assert!(!heard.contains("secret"), "{heard}");
    }
}
