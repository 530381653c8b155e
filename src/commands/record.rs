//! What commands do to the data as a whole, as records of its audit trail.

use std::future::Future;
use std::path::Path;

use super::holder::{self, Holder};
use super::{Fault, explain, output};
use crate::app::{SCHEMA, nonce, system_clock};
use crate::config::Config;
use crate::domain::access::Actor;
use crate::domain::admin::Act;
use crate::domain::command::{Action, Command, apply};
use crate::domain::copies::Copied;
use crate::store::{Location, Store};

/// A path as it means the same from every folder.
pub fn place(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Records that the data was copied: through the server that holds it, or in the file where none does. The copy is made
/// and stays: where it cannot be recorded, as on a full disk, the user is told.
pub fn copied(config: &Config, copied: &Copied) {
    let recorded = wait(async {
        let holder = Holder::find(config)?;
        let recorded = match &holder {
            Holder::Data(app) => submit(app, copied.clone().act()).await,
            Holder::Server(note) => {
                let body = serde_json::to_vec(copied).map_err(|e| Fault::new(e.to_string()))?;
                // Whoever copies the file is its owner, whatever token they talk to servers with.
                let secret = note.credential.clone();
                holder::ask(note, secret, "POST", "/api/v1/copies", Some(body)).await.map(drop)
            }
        };
        holder.close();
        recorded
    });
    warn(recorded);
}

/// Records what was done to a data file that nobody has open.
pub fn done(config: &Config, act: Act) {
    warn(wait(async {
        let app = super::open(config.clone(), None)?;
        let recorded = submit(&app, act).await;
        app.close();
        recorded
    }));
}

fn warn(recorded: Result<(), Fault>) {
    if let Err(why) = recorded {
        output::complain(&format!("warning: it is done, but the audit trail does not tell of it: {why}"));
    }
}

async fn submit(app: &crate::App, act: Act) -> Result<(), Fault> {
    holder::submit(app, Action::NoteAct(act)).await.map(drop)
}

/// Records where the data of a new file is from, in the file. It has no key yet: nothing was signed of it.
///
/// # Errors
/// When it cannot be written.
pub fn origin(config: &Config, file: &Path, shown_as: &Path, act: Act) -> Result<(), Fault> {
    let location = Location::File(file.to_owned());
    let store = Store::open(location, config.cache_bytes, &SCHEMA, apply, Box::new(|_| Ok(())));
    let store = store.map_err(|e| explain(shown_as, &e))?;
    let (by, action) = (Actor::default(), Action::NoteAct(act));
    let command = Command { at: system_clock()(), nonce: nonce(), by, action };
    wait(async { store.submit(command).await.map(drop).map_err(|e| explain(shown_as, &e)) })
}

fn wait<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Fault::new(format!("cannot start: {e}")))?.block_on(future)
}
