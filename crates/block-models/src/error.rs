use thiserror::Error;

/// Why a config makes no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{key}` is {found}, expected {expected}")]
pub struct ConfigError {
    /// The key at fault, from the table of the network on: `hidden`, `layers.1.skip`.
    pub key: String,
    /// What the key's value is.
    pub found: String,
    /// What the key's value may be.
    pub expected: String,
}

impl ConfigError {
    pub(crate) fn new(key: &str, found: impl ToString, expected: impl ToString) -> Self {
        Self {
            key: key.to_string(),
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    /// The error with its key spelled from the outer table `table` on.
    pub(crate) fn below(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}
