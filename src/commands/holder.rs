//! Who holds the data: the server that runs on it, or this process where none does.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::partial::folder_of;
use super::{Fault, client, explain, presence};
use crate::app::{App, system_clock};
use crate::config::Config;
use crate::domain::command::{Action, Outcome};
use crate::store::{Location, StoreError};

/// Who holds the data.
pub enum Holder {
    /// This process.
    Data(Arc<App>),
    /// A server.
    Server(presence::Note),
}

impl Holder {
    /// Opens the data, or finds the server that has it open.
    ///
    /// # Errors
    /// When it can neither be opened nor be asked for.
    pub fn find(config: &Config) -> Result<Self, Fault> {
        make_folder_of(&config.data)?;
        match App::open(config.clone(), Location::File(config.data.clone()), system_clock()) {
            Ok(app) => Ok(Self::Data(app)),
            Err(StoreError::Locked) => {
                let note = presence::find(&config.data);
                note.map(Self::Server).ok_or_else(|| explain(&config.data, &StoreError::Locked))
            }
            Err(e) => Err(explain(&config.data, &e)),
        }
    }

    /// Lets go of the data.
    pub fn close(self) {
        if let Self::Data(app) = self {
            app.close();
        }
    }
}

fn make_folder_of(data: &Path) -> Result<(), Fault> {
    let folder = folder_of(data);
    std::fs::create_dir_all(folder)
        .map_err(|e| Fault::new(format!("cannot make the folder {}: {e}", folder.display())))
}

/// Has this process carry an action out.
///
/// # Errors
/// When it is refused, or storage fails.
pub async fn submit(app: &App, action: Action) -> Result<Outcome, Fault> {
    app.submit(action).await.map_err(|e| Fault::new(e.to_string()))
}

/// Asks a server, showing it a secret.
///
/// # Errors
/// When it does not answer, or refuses.
pub async fn ask(
    note: &presence::Note,
    secret: Option<String>,
    method: &str,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<Value, Fault> {
    let answer = client::request_as(note, secret, method, path, body).await;
    let unreachable =
        |e| Fault::new(format!("the server at {} that holds the data does not answer: {e}", note.address));
    match answer.map_err(unreachable)? {
        (200..300, value) => Ok(value),
        (status, problem) => {
            let text = |detail| super::output::safe(detail);
            let detail = problem["detail"].as_str().map_or_else(|| format!("status {status}"), text);
            Err(Fault::new(format!("the server at {} refused: {detail}", note.address)))
        }
    }
}
