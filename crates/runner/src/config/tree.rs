//! TOML text and overrides as one table, which knows where each value comes from.

use toml::{Table, Value};

use super::places::Places;
use crate::error::{Result, RunnerError};

/// A config as it was written.
pub(super) struct Tree {
    table: Table,
    places: Places,
}

impl Tree {
    /// Parses TOML text; `place` stands for it in messages.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self> {
        let table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = &text[..text.floor_char_boundary(start)];
            RunnerError::Syntax {
                place: place.to_string(),
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
                problem: error.message().replace('\n', ", "),
            }
        })?;
        Ok(Self {
            table,
            places: Places::new(place),
        })
    }

    /// Takes `key=value` over what the file says; a number in a key counts the elements of an array from 0. A
    /// value that is not TOML is a string.
    pub(super) fn set(&mut self, argument: &str) -> Result<()> {
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
        let option = format!("--set {argument}");
        *self.slot(key, &option)? = value;
        self.places.set(key, option);
        Ok(())
    }

    /// Where the value of a key stands; tables on the way are made if they are absent.
    fn slot(&mut self, key: &str, option: &str) -> Result<&mut Value> {
        let refuse = |key: String, found: String, expected: String| RunnerError::Value {
            place: option.to_string(),
            key,
            found,
            expected,
        };
        let mut names = key.split('.');
        let first = names.next().unwrap_or(key);
        let empty = || Value::Table(Table::new());
        let mut value = self.table.entry(first).or_insert_with(empty);
        let mut walked = first.to_string();
        for name in names {
            value = match value {
                Value::Table(_) if name.parse::<usize>().is_ok() => {
                    let expected = format!("an array in the config, of which {name} is an element");
                    return Err(refuse(walked, "absent".to_string(), expected));
                }
                Value::Table(table) => table.entry(name).or_insert_with(empty),
                Value::Array(elements) => {
                    let (found, count) = (format!("{walked}.{name}"), elements.len());
                    let index: Option<usize> = name.parse().ok();
                    let element = index.and_then(|index| elements.get_mut(index));
                    element.ok_or_else(|| {
                        let expected = match count {
                            0 => format!("no index, as {walked} is empty"),
                            _ => {
                                format!("an index from 0 to {}, as {walked} has {count}", count - 1)
                            }
                        };
                        refuse(found, "absent".to_string(), expected)
                    })?
                }
                other => {
                    let expected = format!("a table, [{walked}]");
                    return Err(refuse(walked, show(other), expected));
                }
            };
            walked = format!("{walked}.{name}");
        }
        Ok(value)
    }

    /// The whole table.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The whole table, to change.
    pub(super) fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }

    /// The value of a key, a name in a table or a table of it.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match key.split_once('.') {
            None => self.table.get(key),
            Some((table, name)) => self.table.get(table)?.get(name),
        }
    }

    /// Gives a key of a table a value if it has none.
    pub(super) fn insert_default(&mut self, key: &str, value: impl Into<Value>) {
        let (table, name) = key.split_once('.').unwrap_or(("", key));
        let table = self
            .table
            .entry(table)
            .or_insert_with(|| Table::new().into());
        if let Some(table) = table.as_table_mut() {
            table.entry(name).or_insert(value.into());
        }
    }

    /// Drops a key that configs had once, with the only value that it could have.
    pub(super) fn retire(&mut self, key: &'static str, only: &str) -> Result<()> {
        match self.get(key) {
            None => Ok(()),
            Some(value) if value.as_str() == Some(only) => {
                if let Some((table, name)) = key.split_once('.')
                    && let Some(table) = self.table.get_mut(table).and_then(Value::as_table_mut)
                {
                    table.remove(name);
                }
                Ok(())
            }
            Some(_) => {
                Err(self.refuse(key, &format!("no such key, or {only:?} as in old configs")))
            }
        }
    }

    /// The whole table as the value that it describes.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        // The schema was checked: only a type whose schema says too little is refused here.
        T::deserialize(Value::Table(self.table.clone())).map_err(|error| RunnerError::Value {
            place: self.places.file().to_string(),
            key: "config".to_string(),
            found: error.message().replace('\n', ", "),
            expected: "the keys that `runner keys` lists".to_string(),
        })
    }

    /// Where the values come from.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Where a key's value comes from.
    pub(super) fn place(&self, key: &str) -> &str {
        self.places.of(key)
    }

    /// The error for the value of a key.
    pub(super) fn refuse(&self, key: &str, expected: &str) -> RunnerError {
        let found = self.get(key).map_or("absent".to_string(), show);
        self.refuse_value(key, found, expected)
    }

    /// The error for a value that was found under a key.
    pub(super) fn refuse_value(&self, key: &str, found: String, expected: &str) -> RunnerError {
        RunnerError::Value {
            place: self.place(key).to_string(),
            key: key.to_string(),
            found,
            expected: expected.to_string(),
        }
    }
}

/// A value with its type, on one line.
pub(super) fn show(value: &Value) -> String {
    let text = match value {
        Value::Table(_) => return "a table".to_string(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string().replace('\n', " "),
    };
    format!("{text} ({})", value.type_str())
}
