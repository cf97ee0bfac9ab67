//! A config with its data: everything that can fail before the work begins.

use std::time::Instant;

use block_data::encode::Frames;
use block_data::{DataError, DataSource, Encoding, Samples, SpikeLoader, Survey};
use block_models::{Network, Shape, draw};
use burn::module::Module;
use burn::tensor::Device;

use crate::config::{Code, Config, Validation};
use crate::error::Result;
use crate::splits::{Split, Surveys};

/// What a run will do.
pub struct Plan {
    /// The config.
    pub config: Config,
    /// The data set.
    pub source: DataSource,
    /// The network, of which no parameter is drawn yet.
    pub network: Network,
    encoding: Encoding,
    train: Samples,
    validation: Option<Samples>,
}

impl Plan {
    /// Finds the data and checks that everything fits.
    ///
    /// # Errors
    ///
    /// [`RunnerError`](crate::RunnerError) with what is missing or does not fit.
    pub fn prepare(config: Config) -> Result<Self> {
        let source = config.data.open()?;
        Self::with_source(config, source)
    }

    /// As [`prepare`](Self::prepare), for what needs the test split alone: the training split is not opened, and stays empty.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare).
    pub fn prepare_test(mut config: Config) -> Result<Self> {
        let source = config.data.open_test()?;
        config.data.validation = Validation::None;
        Self::with_source(config, source)
    }

    fn with_source(mut config: Config, source: DataSource) -> Result<Self> {
        config.data.settle(&source);
        let steps = config.encode.steps;
        let encoding = match (config.encode.dt, config.encode.code) {
            (Some(dt), _) => Encoding::events(source.units(), steps, dt as f32)?,
            (None, Some(Code::Frames)) => Encoding::Frames(frames(&source, steps)?),
            (None, _) => Encoding::new(steps)?,
        };
        let (train, validation) = match config.data.validation {
            Validation::Test => (source.train(), Some(source.test())),
            Validation::None => (source.train(), None),
            Validation::Fraction(fraction) => {
                let split = source.split_validation(fraction, config.seed);
                let (train, validation) = split.map_err(|error| match error {
                    DataError::Argument {
                        found, expected, ..
                    } => config.refuse("data.validation", found, expected),
                    other => other.into(),
                })?;
                (train, Some(validation))
            }
        };
        let (input, classes) = (input_shape(&source), source.classes());
        let network = config.model.init(input, classes, &Device::flex());
        let network = network.map_err(|error| config.network_error(error))?;
        Ok(Self {
            config,
            source,
            network,
            encoding,
            train,
            validation,
        })
    }

    fn loader(&self, samples: Samples, device: &Device) -> Result<SpikeLoader> {
        let loader =
            SpikeLoader::new(samples, self.encoding.clone(), self.config.train.batch_size)?;
        Ok(loader.with_device(device.clone()))
    }

    /// Loads the training samples, shuffled and, if the config says so, changed.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data).
    pub fn train_loader(&self, device: &Device) -> Result<SpikeLoader> {
        let seed = self.config.seed;
        let loader = self.loader(self.train.clone(), device)?.with_shuffle(seed);
        let augmentation = self.source.augmentation();
        Ok(match augmentation.filter(|_| self.config.data.augment) {
            Some(augmentation) => loader.with_augmentation(augmentation.clone(), seed),
            None => loader,
        })
    }

    /// The training samples, as they are and in their order.
    pub(crate) fn training_samples(&self) -> &Samples {
        &self.train
    }

    /// Loads the validation samples as they are, if there are any.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data).
    pub fn validation_loader(&self, device: &Device) -> Result<Option<SpikeLoader>> {
        let samples = self.validation.clone();
        samples
            .map(|samples| self.loader(samples, device))
            .transpose()
    }

    /// Loads the test split as it is.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data).
    pub fn test_loader(&self, device: &Device) -> Result<SpikeLoader> {
        self.loader(self.source.test(), device)
    }

    /// Surveys splits, of those that the run uses.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Data`](crate::RunnerError::Data) for a sample that cannot be had or encoded.
    pub fn survey(&self, wanted: &[Split]) -> Result<Surveys> {
        let all = [
            (Split::Train, Some(self.train.clone())),
            // The test split is validated on as it is.
            (Split::Validation, self.held_out()),
            (Split::Test, Some(self.source.test())),
        ];
        let wanted = all.into_iter().filter(|(split, _)| wanted.contains(split));
        let surveys = wanted.filter_map(|(split, samples)| Some((split, samples?)));
        let (classes, begin) = (self.source.classes(), Instant::now());
        let surveys = surveys
            .map(|(split, samples)| Ok((split, Survey::of(&samples, &self.encoding, classes)?)));
        let surveys = Surveys(surveys.collect::<Result<_>>()?);
        tracing::debug!("surveys took {:.3} s", begin.elapsed().as_secs_f64());
        Ok(surveys)
    }

    fn held_out(&self) -> Option<Samples> {
        match self.config.data.validation {
            Validation::Fraction(_) => self.validation.clone(),
            Validation::Test | Validation::None => None,
        }
    }

    /// Where a split of the data comes from, for messages: a file of one's own, or the data set.
    pub(crate) fn file_of(&self, test: bool) -> String {
        let data = &self.config.data;
        let file = match test {
            true => data.test.as_ref().or(data.test_images.as_ref()),
            false => data.train.as_ref().or(data.train_images.as_ref()),
        };
        file.unwrap_or(&data.name).clone()
    }

    /// Training, validation and test samples.
    pub fn samples(&self) -> [usize; 3] {
        let validation = self.validation.as_ref().map_or(0, |samples| samples.len());
        [self.train.len(), validation, self.source.test().len()]
    }

    /// A network with the weights that the seed gives: drawn on the CPU, so the same on every device.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Value`](crate::RunnerError::Value).
    pub fn init_network(&self, device: &Device) -> Result<Network> {
        let mut host = Device::flex();
        if device.is_autodiff() {
            host = host.autodiff();
        }
        host.seed(self.config.seed);
        let (input, classes) = (input_shape(&self.source), self.source.classes());
        let network = self.config.model.init(input, classes, &host);
        let network = network.map_err(|error| self.config.network_error(error))?;
        draw(&network);
        Ok(match *device == host {
            true => network,
            false => network.fork(device),
        })
    }
}

/// Samples as they are, with the data set's usual normalisation; what is no picture has one row.
fn frames(source: &DataSource, steps: usize) -> Result<Frames> {
    let shape = input_shape(source);
    let shape = shape.picture().unwrap_or([1, 1, shape.units()]);
    let frames = Frames::new(shape, steps)?;
    Ok(match source.normalization() {
        Some(usual) => frames.with_normalization(usual.mean, usual.deviation)?,
        None => frames,
    })
}

/// The shape of a data set's samples; a picture without channels has one.
fn input_shape(source: &DataSource) -> Shape {
    let map = |channels, height, width| Shape::Map {
        channels,
        height,
        width,
    };
    match *source.input_shape() {
        [height, width] => map(1, height, width),
        [channels, height, width] => map(channels, height, width),
        _ => Shape::Units(source.units()),
    }
}
