use std::path::{Path, PathBuf, absolute};

use block_data::datasets::fashion_mnist::FASHION_MNIST;
use block_data::{
    DATA_SETS, DataError, DataSet, DataSource, EVENTS, EventFiles, IDX, IdxFiles, expand_home, open,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use super::tree::Tree;
use crate::error::Result;

/// `[data]`: the samples.
#[derive(Debug, Clone, PartialEq, SmartDefault, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The data set's name; `events` are recordings in files of one's own, `idx` images in idx files of one's own.
    #[default(FASHION_MNIST.name.to_owned())]
    #[schemars(schema_with = "names")]
    pub name: String,
    /// Whether training samples are changed at random.
    #[default(true)]
    #[schemars(extend("x-default" = "as is usual for the data set"))]
    pub augment: bool,
    /// What is evaluated after every epoch: the test split, nothing, or a fraction of the training split, which
    /// is then not trained on. It never selects the model.
    pub validation: Validation,
    /// The only folder in which the data set is looked for.
    pub dir: Option<String>,
    /// For `events`: the HDF5 file of the training split, relative to the working folder or a folder of data sets.
    pub train: Option<String>,
    /// For `events`: the file of the test split.
    pub test: Option<String>,
    /// For `events`: input units, onto which those of the files are folded. Default: as many as the files have.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub units: Option<usize>,
    /// For `events` and `idx`: classes. Default: one more than the largest label.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub classes: Option<usize>,
    /// For `idx`: the file of the training images, such as `emnist-letters-train-images-idx3-ubyte.gz`, relative to the
    /// working folder or a folder of data sets.
    pub train_images: Option<String>,
    /// For `idx`: the file of the training labels.
    pub train_labels: Option<String>,
    /// For `idx`: the file of the test images.
    pub test_images: Option<String>,
    /// For `idx`: the file of the test labels.
    pub test_labels: Option<String>,
}

/// What is evaluated after every epoch. It never selects the model.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "ValidationKey", into = "ValidationKey")]
pub enum Validation {
    /// The test split.
    #[default]
    Test,
    /// Nothing.
    None,
    /// This fraction of the training split, which is then not trained on.
    Fraction(f64),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum ValidationKey {
    Name(ValidationName),
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    Fraction(f64),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ValidationName {
    Test,
    None,
}

impl JsonSchema for Validation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Validation".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ValidationKey::json_schema(generator)
    }
}

impl From<ValidationKey> for Validation {
    fn from(key: ValidationKey) -> Self {
        match key {
            ValidationKey::Name(ValidationName::Test) => Self::Test,
            ValidationKey::Name(ValidationName::None) => Self::None,
            ValidationKey::Fraction(fraction) => Self::Fraction(fraction),
        }
    }
}

impl From<Validation> for ValidationKey {
    fn from(value: Validation) -> Self {
        match value {
            Validation::Test => Self::Name(ValidationName::Test),
            Validation::None => Self::Name(ValidationName::None),
            Validation::Fraction(fraction) => Self::Fraction(fraction),
        }
    }
}

fn names(_: &mut SchemaGenerator) -> Schema {
    let names = DATA_SETS.iter().map(|set| set.name).chain([EVENTS, IDX]);
    json_schema!({ "enum": names.collect::<Vec<_>>() })
}

impl DataConfig {
    /// Fills in what is usual for the data set, whose name is returned.
    pub(super) fn complete(tree: &mut Tree) -> Result<String> {
        let name = tree.get("data.name").and_then(toml::Value::as_str);
        let name = name.map_or_else(|| Self::default().name, str::to_string);
        let set = DataSet::named(&name);
        let augment = tree.get("data.augment").and_then(toml::Value::as_bool);
        if augment == Some(true) && set.is_some_and(|set| set.augmentation.is_none()) {
            let expected = format!("false: the data set {name} has no augmentation");
            return Err(tree.refuse("data.augment", &expected));
        }
        tree.insert_default("data.augment", set.is_some_and(|set| set.augmented));
        let own: [(&str, &[&str]); 8] = [
            ("data.train", &[EVENTS]),
            ("data.test", &[EVENTS]),
            ("data.units", &[EVENTS]),
            ("data.classes", &[EVENTS, IDX]),
            ("data.train_images", &[IDX]),
            ("data.train_labels", &[IDX]),
            ("data.test_images", &[IDX]),
            ("data.test_labels", &[IDX]),
        ];
        for (key, sets) in own {
            if tree.get(key).is_some() && !sets.contains(&&*name) {
                let sets: Vec<_> = sets.iter().map(|set| format!("{set:?}")).collect();
                let expected = format!("no such key unless data.name = {}", sets.join(" or "));
                return Err(tree.refuse(key, &expected));
            }
        }
        Ok(name)
    }

    /// Makes paths absolute, so that the run can be repeated from anywhere.
    pub(super) fn anchor(&mut self, tree: &Tree) -> Result<()> {
        if let Some(dir) = &mut self.dir {
            let found = expanded(dir).map_err(|expected| tree.refuse("data.dir", &expected))?;
            let found = absolute_folder(&found);
            *dir = found.map_err(|expected| tree.refuse("data.dir", expected))?;
        }
        let what = match &*self.name {
            EVENTS => "an HDF5 file of recordings",
            IDX => "an idx file",
            _ => return Ok(()),
        };
        let (name, dir) = (self.name.clone(), self.dir.clone());
        let files = self.own_files_mut().into_iter();
        for (_, key, file) in files.filter(|(of, ..)| **of == *name) {
            let expected = format!("the path of {what}, for data.name = {name:?}");
            let refuse = || tree.refuse(key, &expected);
            let file = file
                .as_mut()
                .filter(|path| !path.is_empty())
                .ok_or_else(refuse)?;
            if file.starts_with('~') {
                let path = expanded(file).map_err(|expected| tree.refuse(key, &expected))?;
                *file = absolute_folder(&path).map_err(|expected| tree.refuse(key, expected))?;
            }
            // What is in the working folder, or in the folder that is named instead, is found from elsewhere too, by whoever
            // repeats the run.
            let place = match &dir {
                Some(dir) => Path::new(dir).join(&*file),
                None => PathBuf::from(&*file),
            };
            if place.exists() {
                *file = absolute_folder(&place).map_err(|expected| tree.refuse(key, expected))?;
            }
        }
        Ok(())
    }

    /// The keys that name files of one's own: the data set whose they are, the key, the path.
    pub(crate) fn own_files_mut(
        &mut self,
    ) -> [(&'static str, &'static str, &mut Option<String>); 6] {
        [
            (EVENTS, "data.train", &mut self.train),
            (EVENTS, "data.test", &mut self.test),
            (IDX, "data.train_images", &mut self.train_images),
            (IDX, "data.train_labels", &mut self.train_labels),
            (IDX, "data.test_images", &mut self.test_images),
            (IDX, "data.test_labels", &mut self.test_labels),
        ]
    }

    /// The recordings of one's own, if they are the data set.
    pub fn files(&self) -> Option<EventFiles> {
        Some(EventFiles {
            train: PathBuf::from(self.train.as_ref()?),
            test: PathBuf::from(self.test.as_ref()?),
            units: self.units,
            classes: self.classes,
        })
    }

    /// The images of one's own, if they are the data set.
    fn images(&self) -> Option<IdxFiles> {
        Some(IdxFiles {
            train_images: PathBuf::from(self.train_images.as_ref()?),
            train_labels: PathBuf::from(self.train_labels.as_ref()?),
            test_images: PathBuf::from(self.test_images.as_ref()?),
            test_labels: PathBuf::from(self.test_labels.as_ref()?),
            classes: self.classes,
        })
    }

    /// Takes over units and classes that followed from files of one's own: other files then do not change the network.
    pub fn settle(&mut self, source: &DataSource) {
        if self.files().is_some() {
            self.units = Some(source.units());
        }
        if self.files().is_some() || self.images().is_some() {
            self.classes = Some(source.classes());
        }
    }

    /// Opens the data set.
    ///
    /// # Errors
    ///
    /// [`DataError`] with what is missing or wrong.
    pub fn open(&self) -> std::result::Result<DataSource, DataError> {
        let locations = self.locations();
        match (self.files(), self.images()) {
            (Some(files), _) => files.open(&locations),
            (None, Some(images)) => images.open(&locations),
            (None, None) => open(&self.name, &locations),
        }
    }

    /// Opens the test split alone; there are no training samples then.
    pub fn open_test(&self) -> std::result::Result<DataSource, DataError> {
        let locations = self.locations();
        match (self.files(), self.images()) {
            (Some(files), _) => files.open_test(&locations),
            (None, Some(images)) => images.open_test(&locations),
            (None, None) => DataSet::known(&self.name)?.open_test(&locations),
        }
    }
}

/// A path with the home folder in the place of `~`, or what was expected.
fn expanded(path: &str) -> std::result::Result<PathBuf, String> {
    expand_home(path).map_err(|problem| format!("a path: {problem}"))
}

/// A folder from the working folder on, as a config can hold it, so that the run can be repeated
/// from anywhere; or what was expected.
pub(crate) fn absolute_folder(folder: &Path) -> std::result::Result<String, &'static str> {
    // Fails for the empty path, and for a relative one where the working folder was deleted.
    let folder =
        absolute(folder).map_err(|_| "a path, absolute or in a working folder that is there")?;
    let text = folder.into_os_string().into_string();
    text.map_err(|_| "a path that is valid UTF-8 from the root on, as config.toml holds it")
}
