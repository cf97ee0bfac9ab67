//! How to fetch.

use std::time::Duration;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Options {
    /// Nothing is fetched; what is missing is an error.
    pub offline: bool,
    /// How long finding a host, and connecting to it, may each take.
    pub connect_timeout: Duration,
    /// How long a connection may be silent.
    pub stall_timeout: Duration,
    /// How long a package manager may take.
    pub command_timeout: Duration,
    /// How often a link is retried after a failure that may be temporary.
    pub retries: u32,
    /// The pause before it is tried again, doubled each time.
    pub backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            offline: false,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(15 * 60),
            retries: 3,
            backoff: Duration::from_secs(1),
        }
    }
}
