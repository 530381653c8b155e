//! `agentmap watch`.
use super::{Fault, Ran};
use crate::cli::WatchArgs;
use crate::config::Config;
pub async fn watch(_: Config, _: WatchArgs) -> Ran {
    Err(Fault::new("not yet"))
}
