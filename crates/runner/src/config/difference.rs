use std::collections::BTreeMap;

use toml::Value;

use super::{Config, Validation};

/// Whether a key says where data lie, which is no part of what they are: `data.dir`, and the files of the splits.
pub(crate) fn is_place(key: &str) -> bool {
    let files = ["data.train", "data.test"];
    key == "data.dir" || files.iter().any(|file| key.starts_with(file))
}

/// A key that two configs give different values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyDifference {
    /// The key.
    pub key: String,
    /// The value in the first config, as in TOML.
    pub before: String,
    /// The value in the second one.
    pub now: String,
}

impl Config {
    /// The keys that have other values in `now`, in alphabetical order. Where the data lies may differ.
    pub(crate) fn differences(&self, now: &Self) -> Vec<KeyDifference> {
        let [before, now] = [self, now].map(|config| {
            let mut values = BTreeMap::new();
            let tree = Value::try_from(config);
            let tree = tree.unwrap_or_else(|error| unreachable!("a config is TOML: {error}"));
            flatten("", &tree, &mut values);
            values
        });
        let keys = before
            .keys()
            .chain(now.keys().filter(|&key| !before.contains_key(key)));
        let value = |values: &BTreeMap<String, String>, key: &String| {
            values
                .get(key)
                .cloned()
                .unwrap_or_else(|| "absent".to_string())
        };
        let mut differences: Vec<_> = keys
            .filter(|key| !is_place(key))
            .map(|key| KeyDifference {
                key: key.clone(),
                before: value(&before, key),
                now: value(&now, key),
            })
            .filter(|difference| difference.before != difference.now)
            .collect();
        differences.sort_by(|a, b| a.key.cmp(&b.key));
        differences
    }

    /// Whether `epochs` epochs are the same with the value that `key` has in `now`, so that a run may take it later on.
    pub(crate) fn may_become(&self, now: &Self, key: &str, epochs: usize) -> bool {
        let reached = |config: &Self| -> Vec<usize> {
            let milestones = config.train.milestones.iter().copied();
            milestones.filter(|&at| at <= epochs).collect()
        };
        let holds_out = |config: &Self| matches!(config.data.validation, Validation::Fraction(_));
        match key {
            "train.epochs" => true,
            "train.milestones" => reached(self) == reached(now),
            "train.gamma" => reached(self).is_empty() && reached(now).is_empty(),
            "data.validation" => !holds_out(self) && !holds_out(now),
            _ => false,
        }
    }
}

fn flatten(key: &str, value: &Value, values: &mut BTreeMap<String, String>) {
    let below = |name: &str| match key {
        "" => name.to_string(),
        key => format!("{key}.{name}"),
    };
    match value {
        Value::Table(table) => table
            .iter()
            .for_each(|(name, value)| flatten(&below(name), value, values)),
        Value::Array(elements) if elements.iter().any(Value::is_table) => elements
            .iter()
            .enumerate()
            .for_each(|(index, value)| flatten(&below(&index.to_string()), value, values)),
        other => {
            values.insert(key.to_string(), other.to_string());
        }
    }
}
