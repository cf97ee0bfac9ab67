//! TOML text to a flat list of known keys, each with the place it comes from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use crate::error::{Result, RunnerError};

/// Every key that a config may have.
pub(super) const KEYS: [&str; 26] = [
    "seed",
    "data.name",
    "data.augment",
    "data.validation",
    "data.dir",
    "data.train",
    "data.test",
    "data.units",
    "data.classes",
    "encode.steps",
    "encode.dt",
    "model.kind",
    "model.hidden",
    "model.formulation",
    "model.readout",
    "model.skip",
    "model.init_scale",
    "model.beta.hidden",
    "model.beta.readout",
    "model.beta.per_neuron",
    "model.beta.trained",
    "train.epochs",
    "train.batch_size",
    "train.learning_rate",
    "train.milestones",
    "train.gamma",
];

/// The tables that they stand in.
const TABLES: [&str; 5] = ["data", "encode", "model", "model.beta", "train"];

/// The values of a config by their keys. Keys that are absent have their default.
pub(super) struct Entries {
    place: String,
    values: BTreeMap<&'static str, (Value, String)>,
}

impl Entries {
    /// Parses TOML text; `place` stands for it in messages.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = &text[..text.floor_char_boundary(start)];
            RunnerError::Syntax {
                place: place.to_string(),
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
                problem: error.message().replace('\n', ", "),
            }
        })?;
        let mut entries = Self {
            place: place.to_string(),
            values: BTreeMap::new(),
        };
        entries.flatten(table, "", place)?;
        Ok(entries)
    }

    /// Takes `key=value` over what the file says. A value that is not TOML is a string.
    pub fn set(&mut self, argument: &str) -> Result<()> {
        let Some((key, value)) = argument.split_once('=') else {
            let argument = argument.to_string();
            return Err(RunnerError::Override { argument });
        };
        let (key, value) = (key.trim(), value.trim());
        let parsed = format!("value = {value}").parse::<Table>().ok();
        let value = parsed
            .filter(|table| table.len() == 1)
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_string()));
        self.insert(key.to_string(), value, &format!("--set {argument}"))
    }

    fn flatten(&mut self, table: Table, prefix: &str, place: &str) -> Result<()> {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            self.insert(key, value, place)?;
        }
        Ok(())
    }

    fn insert(&mut self, key: String, value: Value, place: &str) -> Result<()> {
        if let Some(&known) = KEYS.iter().find(|&&known| known == key) {
            self.values.insert(known, (value, place.to_string()));
            return Ok(());
        }
        let prefix = format!("{key}.");
        if !KEYS.iter().any(|known| known.starts_with(&prefix)) {
            return Err(RunnerError::UnknownKey {
                place: place.to_string(),
                nearest: nearest(&key).to_string(),
                key,
            });
        }
        match value {
            Value::Table(table) => self.flatten(table, &prefix, place),
            value => Err(RunnerError::Value {
                place: place.to_string(),
                found: show(&value),
                expected: format!("a table, [{key}]"),
                key,
            }),
        }
    }

    fn read<T>(
        &self,
        key: &'static str,
        default: T,
        expected: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T> {
        // A key that no file may have would always be at its default.
        assert!(KEYS.contains(&key), "`{key}` is in no list of keys");
        match self.values.get(key) {
            None => Ok(default),
            Some((value, _)) => convert(value).ok_or_else(|| self.refuse(key, expected)),
        }
    }

    /// Whether the config has this key.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The error for the value of a key.
    pub fn refuse(&self, key: &'static str, expected: &str) -> RunnerError {
        let (found, place) = match self.values.get(key) {
            Some((value, place)) => (show(value), place),
            None => ("absent".to_string(), &self.place),
        };
        RunnerError::Value {
            place: place.clone(),
            key: key.to_string(),
            found,
            expected: expected.to_string(),
        }
    }

    pub fn boolean(&self, key: &'static str, default: bool) -> Result<bool> {
        self.read(key, default, "true or false", Value::as_bool)
    }

    pub fn text(&self, key: &'static str) -> Result<Option<String>> {
        let convert = |value: &Value| value.as_str().map(|text| Some(text.to_string()));
        self.read(key, None, "a string", convert)
    }

    pub fn choice<T: Copy>(
        &self,
        key: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T> {
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        self.read(key, default, &names.join(" or "), |value| {
            let text = value.as_str()?;
            choices.iter().find(|(name, _)| *name == text).map(|c| c.1)
        })
    }

    pub fn integer(
        &self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.read(key, default, &expected, |value| within(value, &range))
    }

    pub fn integers(
        &self,
        key: &'static str,
        default: &[usize],
        range: RangeInclusive<u64>,
    ) -> Result<Vec<usize>> {
        let expected = format!(
            "an array of integers from {} to {}",
            range.start(),
            range.end()
        );
        self.read(key, default.to_vec(), &expected, |value| {
            let one = |value| within(value, &range).map(|value| value as usize);
            value.as_array()?.iter().map(one).collect()
        })
    }

    pub fn number(
        &self,
        key: &'static str,
        default: f64,
        expected: &str,
        valid: impl FnOnce(f64) -> bool,
    ) -> Result<f64> {
        self.read(key, default, expected, |value| {
            number(value).filter(|&number| valid(number))
        })
    }

    pub fn number_or_text<T>(
        &self,
        key: &'static str,
        default: T,
        expected: &str,
        convert: impl FnOnce(Option<f64>, Option<&str>) -> Option<T>,
    ) -> Result<T> {
        self.read(key, default, expected, |value| {
            convert(number(value), value.as_str())
        })
    }
}

fn within(value: &Value, range: &RangeInclusive<u64>) -> Option<u64> {
    let value = u64::try_from(value.as_integer()?).ok()?;
    range.contains(&value).then_some(value)
}

fn number(value: &Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| value.as_integer().map(|integer| integer as f64))
}

/// A value with its type, on one line.
fn show(value: &Value) -> String {
    let text = match value {
        Value::Table(_) => return "a table".to_string(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string().replace('\n', " "),
    };
    format!("{text} ({})", value.type_str())
}

/// The known key most like this one: by its whole path, or nearly so by its last part.
fn nearest(key: &str) -> &'static str {
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let score = |known: &'static str| {
        let own = key.rsplit('.').next().unwrap_or(key);
        let whole = strsim::normalized_damerau_levenshtein(key, known);
        let part = strsim::normalized_damerau_levenshtein(own, last(known));
        whole.max(0.95 * part)
    };
    KEYS.into_iter()
        .chain(TABLES)
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .unwrap_or(KEYS[0])
}
