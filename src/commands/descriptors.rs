//! File descriptors: each connection takes one, and systems give a process few unless it asks.

#[cfg(unix)]
use super::output;
use crate::config::Config;

/// How many are kept for what is no connection: the data file, logs, exports.
#[cfg(unix)]
const KEPT: u64 = 64;

/// Asks for as many as the system lets this process have, and takes no more connections than there are then: whoever
/// comes beyond is told so, where a connection that cannot be accepted would merely hang.
#[cfg(unix)]
pub fn make_room(config: &mut Config) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    // None is a limit that is not there.
    let Some(now) = now else { return };
    let room = usize::try_from(now.saturating_sub(KEPT).max(1)).unwrap_or(usize::MAX);
    let wanted = config.limits.connections;
    if room < wanted {
        config.limits.connections = room;
        if !config.is_default("max_connections") {
            output::complain(&format!(
                "max-connections: the system allows {now} open files, which is enough for {room} connections and not \
                 for {wanted}; raise it with `ulimit -n` or LimitNOFILE="
            ));
        }
    }
}

/// Here sockets are no files.
#[cfg(not(unix))]
pub fn make_room(_: &mut Config) {}
