//! What the service manager that started the server is told, where it wants to know: systemd.

use std::sync::Arc;

use crate::App;

/// The server serves.
pub fn ready() {
    #[cfg(target_os = "linux")]
    tell(sd_notify::NotifyState::Ready);
}

/// The server was asked to end.
pub fn stopping() {
    #[cfg(target_os = "linux")]
    tell(sd_notify::NotifyState::Stopping);
}

/// Tells again and again that requests are worked on, where somebody restarts the server otherwise. A storage that fails
/// is no reason: that is told to who writes, and goes by without a restart.
pub async fn keep_telling(_app: Arc<App>) {
    #[cfg(target_os = "linux")]
    if let Some(patience) = sd_notify::watchdog_enabled() {
        loop {
            tell(sd_notify::NotifyState::Watchdog);
            tokio::time::sleep(patience / 3).await;
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(target_os = "linux")]
fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager was not told how the server stands");
    }
}
