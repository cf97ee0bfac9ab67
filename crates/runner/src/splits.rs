//! The splits that a run uses, and what they hold.

use std::collections::BTreeMap;
use std::fmt;

use block_data::{Account, Survey};
use serde::{Deserialize, Serialize};

/// A split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What is trained on.
    Train,
    /// Training samples that are held out.
    Validation,
    /// What the kept model is tested on.
    Test,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// What the splits of a run hold, each surveyed whole with the encoder that training uses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surveys(pub(crate) BTreeMap<Split, Survey>);

impl Surveys {
    /// Every split that was surveyed.
    pub fn iter(&self) -> impl Iterator<Item = (Split, &Survey)> {
        self.0.iter().map(|(&split, survey)| (split, survey))
    }

    /// The survey of a split, if the run uses it.
    pub fn get(&self, split: Split) -> Option<&Survey> {
        self.0.get(&split)
    }

    /// The account of every split.
    pub fn accounts(&self) -> BTreeMap<Split, Account> {
        let accounts = self.iter();
        accounts
            .map(|(split, survey)| (split, survey.account.clone()))
            .collect()
    }
}
