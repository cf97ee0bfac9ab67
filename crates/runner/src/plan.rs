//! A config with its data: everything that can fail before the work begins.

use std::path::PathBuf;

use block_data::{DataSet, DataSource, Encoding, EventFiles, Input, Samples, SpikeLoader, open};
use block_models::{BetaConfig, LinearNetwork, LinearNetworkConfig};
use burn::module::Module;
use burn::tensor::Device;

use crate::config::{Config, ModelKind, Validation};
use crate::error::Result;
use crate::weights;

/// What a run will do.
pub struct Plan {
    /// The config.
    pub config: Config,
    /// The data set.
    pub source: DataSource,
    /// The network.
    pub network: LinearNetworkConfig,
    encoding: Encoding,
    train: Samples,
    validation: Option<Samples>,
}

/// A layer, for people to read.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPlan {
    /// `hidden.0`, …, `readout`, as in the weights' names.
    pub name: String,
    /// Inputs.
    pub inputs: usize,
    /// Neurons.
    pub neurons: usize,
    /// Numbers that it consists of.
    pub parameters: usize,
}

impl Plan {
    /// Finds the data and checks that everything fits.
    ///
    /// # Errors
    ///
    /// [`RunnerError`](crate::RunnerError) with what is missing or does not fit.
    pub fn prepare(config: Config) -> Result<Self> {
        let locations = config.data.locations();
        let source = match &config.data.files {
            Some(files) => EventFiles {
                train: PathBuf::from(&files.train),
                test: PathBuf::from(&files.test),
                units: files.units,
                classes: files.classes,
            }
            .open(&locations)?,
            None => open(&config.data.name, &locations)?,
        };
        let steps = config.encode.steps;
        let encoding = match config.encode.dt {
            Some(dt) => Encoding::events(source.units(), steps, dt as f32)?,
            None => Encoding::new(steps)?,
        };
        let (train, validation) = match config.data.validation {
            Validation::Test => (source.train(), Some(source.test())),
            Validation::None => (source.train(), None),
            Validation::Fraction(fraction) => {
                let (train, validation) = source.split_validation(fraction, config.seed)?;
                (train, Some(validation))
            }
        };
        let model = &config.model;
        let network = match model.kind {
            ModelKind::Linear => {
                LinearNetworkConfig::new(source.units(), model.hidden.clone(), source.classes())
                    .with_formulation(model.formulation)
                    .with_readout(model.readout)
                    .with_skip(model.skip)
                    .with_init_scale(model.init_scale)
                    .with_beta(
                        BetaConfig::new()
                            .with_hidden(model.beta.hidden)
                            .with_readout(model.beta.readout)
                            .with_per_neuron(model.beta.per_neuron)
                            .with_trained(model.beta.trained),
                    )
            }
        };
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
        let loader = SpikeLoader::new(samples, self.encoding, self.config.train.batch_size)?;
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

    /// What is not wrong, but probably not meant: a part of a known data set, recordings most of whose
    /// events come after the last time step.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let found = [self.source.train().len(), self.source.test().len()];
        if let Some(set) = DataSet::named(self.source.name())
            && found != set.samples
        {
            let ([train, test], [all_train, all_test]) = (found, set.samples);
            doubts.push(format!(
                "{} is not whole: {train} training and {test} test samples, expected {all_train} \
                 and {all_test}",
                set.name
            ));
        }
        if let Some(dt) = self.config.encode.dt {
            let milliseconds = self.config.encode.steps as f64 * dt;
            let (late, events) = self.late_events(milliseconds);
            if 2 * late > events {
                let percent = 100 * late / events;
                doubts.push(format!(
                    "{percent} % of the events come after the {milliseconds} ms of encode.steps · \
                     encode.dt and are dropped; are the times in seconds?"
                ));
            }
        }
        doubts
    }

    /// Events after the end, and all events, of a hundred training samples.
    fn late_events(&self, milliseconds: f64) -> (usize, usize) {
        let train = self.source.train();
        let stride = train.len().div_ceil(100).max(1);
        let recordings = (0..train.len()).step_by(stride).filter_map(|index| {
            match train.get(index).ok()?.input {
                Input::Events(recording) => Some(recording),
                Input::Values(_) => None,
            }
        });
        recordings.fold((0, 0), |(late, events), recording| {
            let is_late = |time: &&f32| f64::from(**time) * 1000.0 > milliseconds;
            let times = recording.times.iter();
            (
                late + times.filter(is_late).count(),
                events + recording.times.len(),
            )
        })
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
    /// [`RunnerError::Network`](crate::RunnerError::Network).
    pub fn init_network(&self, device: &Device) -> Result<LinearNetwork> {
        let mut host = Device::flex();
        if device.is_autodiff() {
            host = host.autodiff();
        }
        host.seed(self.config.seed);
        let network = self.network.init(&host)?;
        weights::draw(&network);
        Ok(match *device == host {
            true => network,
            false => network.fork(device),
        })
    }

    /// The layers from the input on.
    pub fn layers(&self) -> Vec<LayerPlan> {
        let hidden = self.network.hidden.iter().enumerate();
        let widths = hidden.map(|(index, &neurons)| (format!("hidden.{index}"), neurons));
        let readout = ("readout".to_string(), self.network.classes);
        let mut inputs = self.network.inputs;
        widths
            .chain([readout])
            .map(|(name, neurons)| {
                let betas = if self.network.beta.per_neuron {
                    neurons
                } else {
                    1
                };
                let layer = LayerPlan {
                    name,
                    inputs,
                    neurons,
                    parameters: inputs * neurons + neurons + betas,
                };
                inputs = neurons;
                layer
            })
            .collect()
    }

    /// All numbers that the network consists of.
    pub fn parameters(&self) -> usize {
        self.layers().iter().map(|layer| layer.parameters).sum()
    }
}
