//! Serving: the endpoints, what is around them, and the connections that they are served on.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::connection::Connections;
use super::tls::Tls;
use super::{middleware, router};
use crate::App;

/// Serves until `shutdown` is done, then finishes what was accepted.
///
/// # Errors
/// When the certificate cannot be used, or the endpoints contradict each other, which a test finds.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = Tls::load(&app.config)?.map(Arc::new);
    let bound = listener.local_addr()?;
    let routed = warp::service(router::filter(Arc::clone(&app), bound)?);
    let service = middleware::around(&app, bound, routed);
    let following = tls.clone().map(|tls| tokio::spawn(async move { tls.follow_files().await }));
    Arc::new(Connections::new(app, tls)).serve(listener, service, shutdown).await;
    if let Some(following) = following {
        following.abort();
    }
    Ok(())
}
