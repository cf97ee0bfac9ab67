//! Where the value of each key comes from, for messages.

/// The file of a config, and the options that take precedence over it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    file: String,
    /// Keys of `--set` with the whole option.
    overrides: Vec<(String, String)>,
}

impl Default for Places {
    fn default() -> Self {
        Self::new("config")
    }
}

/// What a config says does not depend on where it stands.
impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Places {
    /// All of it in a file, or in what else messages call `file`.
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_string(),
            overrides: Vec::new(),
        }
    }

    /// An option sets a key.
    pub(super) fn set(&mut self, key: &str, option: String) {
        self.overrides.push((key.to_string(), option));
    }

    /// The file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// An option that sets the key, a part of it or a table that it stands in, or the file.
    pub(crate) fn of(&self, key: &str) -> &str {
        let below = |long: &str, short: &str| {
            let rest = long.strip_prefix(short);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut options = self.overrides.iter().rev();
        let found = options.find(|(set, _)| below(key, set) || below(set, key));
        found.map_or(&self.file, |(_, option)| option)
    }
}
