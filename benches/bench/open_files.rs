//! How many files may be open: a thousand clients are a thousand sockets, here and in the server.

/// Raises the limit as far as the system lets, for this process and those it starts; gives it where there is one.
#[cfg(unix)]
pub fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current
}

/// Elsewhere there is none.
#[cfg(not(unix))]
pub fn raise() -> Option<u64> {
    None
}
