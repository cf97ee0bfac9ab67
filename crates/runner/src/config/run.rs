use std::io;
use std::path::Path;
use std::sync::LazyLock;

use block_models::{ConfigError, NetworkConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{Key, Schema};
use super::tree::Tree;
use super::{DataConfig, EncodeConfig, Places, TrainConfig, model};
use crate::error::{Result, RunnerError};
use crate::files::read_at_most;

/// A validated config. It serializes to the TOML that makes it again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Fixes data order, augmentation, held-out samples and initial weights.
    // TOML's integers end there.
    #[schemars(range(min = 0, max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// The samples.
    pub data: DataConfig,
    /// How samples enter the network.
    pub encode: EncodeConfig,
    /// The network.
    pub model: NetworkConfig,
    /// The training. The defaults of epochs and milestones belong together; with fewer epochs the later milestones
    /// are never reached.
    pub train: TrainConfig,
    #[serde(skip)]
    pub(crate) places: Places,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Config>);

/// Every key that a config can have, those of an array's elements once for each kind of element.
pub fn keys() -> Vec<Key> {
    SCHEMA.keys()
}

/// The most bytes that a config has: what is longer, such as a file of data, is none.
const LONGEST: u64 = 1 << 20;

/// The Unicode encoding of text that is not in UTF-8, by its byte order mark or by the zeros of its first character.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match *bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Some("UTF-16"),
        [first, 0, 0, 0, ..] | [0, 0, 0, first, ..] if is_text(first) => Some("UTF-32"),
        [first, 0, ..] | [0, first, ..] if is_text(first) => Some("UTF-16"),
        _ => None,
    }
}

impl Config {
    /// Reads a config file; `overrides` are `key=value`, as given to `--set`.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] with the file (or option) and the key at fault.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let failed = |source| RunnerError::Read {
            path: path.to_path_buf(),
            source,
            expected: "a TOML config, such as configs/fmnist.toml",
        };
        let bytes = read_at_most(path, LONGEST).map_err(failed)?;
        if let Some(encoding) = other_encoding(&bytes) {
            let problem = format!("it is {encoding} text, which must be saved as UTF-8 first");
            return Err(failed(io::Error::other(problem)));
        }
        // A byte order mark, as some editors write it.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let text = str::from_utf8(text).map_err(|error| {
            let line = text[..error.valid_up_to()]
                .iter()
                .filter(|&&byte| byte == b'\n');
            failed(io::Error::other(format!(
                "line {} is not UTF-8 text; save the file as UTF-8",
                line.count() + 1
            )))
        })?;
        Self::parse(text, &path.display().to_string(), overrides)
    }

    /// The same from text; `place` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(text: &str, place: &str, overrides: &[String]) -> Result<Self> {
        let mut tree = Tree::parse(text, place)?;
        for argument in overrides {
            tree.set(argument)?;
        }
        tree.retire("model.kind", "linear")?;
        SCHEMA.check(&tree)?;
        let data = DataConfig::complete(&mut tree)?;
        EncodeConfig::complete(&mut tree, &data)?;
        model::complete(&mut tree);
        SCHEMA.fill(&mut tree);
        let mut config: Self = tree.read()?;
        config.places = tree.places().clone();
        config.data.anchor(&tree)?;
        config.model.resolve();
        if let Err(error) = config.model.check() {
            return Err(config.network_error(error));
        }
        config.train.check(&tree)?;
        Ok(config)
    }

    /// The error for a key whose value does not fit the rest, or the data.
    pub(crate) fn refuse(&self, key: &str, found: String, expected: String) -> RunnerError {
        RunnerError::Value {
            place: self.places.of(key).to_string(),
            key: key.to_string(),
            found,
            expected,
        }
    }

    /// The error for a network that cannot be built.
    pub(crate) fn network_error(&self, error: ConfigError) -> RunnerError {
        let key = format!("model.{}", error.key);
        self.refuse(&key, error.found, error.expected)
    }

    /// The TOML that makes this config again, every key spelled out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| unreachable!("a config is TOML: {error}"))
    }
}
