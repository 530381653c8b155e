//! `agentmap demo`.
use super::{Fault, Ran};
use crate::config::Config;
pub async fn demo(_: Config) -> Ran {
    Err(Fault::new("not yet"))
}
