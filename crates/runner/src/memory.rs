//! The memory that a training takes, and whether there is as much.

use block_data::Samples;
use block_models::Network;
use burn::module::Module;

use crate::environment::available_memory_bytes;
use crate::error::{Result, RunnerError};
use crate::plan::Plan;
use block_core::device::NamedDevice;

/// Bytes of a number, and of an index of an event.
const NUMBER: u128 = 4;
/// The code, the threads' stacks, and Burn's own.
const PROCESS: u128 = 30 << 20;
/// A parameter, its gradient and Adam's two moments.
const TRAINED: u128 = 4;
/// A checkpoint while it is written: the last and the best weights and the moments on the host, the
/// same as bytes, and the file made of them.
const CHECKPOINT: u128 = 12;
/// Batches of events at once: the one in work, one being made, and those ready in between.
const BATCHES: u128 = 4;

impl Plan {
    /// An estimate of the memory that training takes, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        let source = &self.source;
        let samples = |samples: Samples| samples.len() as u128;
        let (train, test) = (samples(source.train()), samples(source.test()));
        let batch = (self.config.train.batch_size as u128).min(train.max(test));
        let data = source.memory_bytes() as u128;
        let parameters = self.network.num_params() as u128;
        let bytes = PROCESS
            + data
            + parameters * (TRAINED + CHECKPOINT) * NUMBER
            // Counts of each class taken for each, twice while they are written.
            + 4 * (source.classes() as u128).pow(2) * NUMBER
            + kept(&self.network, batch, self.config.encode.steps as u128) * NUMBER;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Checks that the machine has the memory that training takes. Otherwise an allocation would
    /// fail at some point, and end the process without a word.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Memory`] if there is less. Nothing is refused where the system does not tell,
    /// or for a GPU, whose memory is its own.
    pub fn check_memory(&self, device: &NamedDevice) -> Result<()> {
        let estimate = self.memory_bytes();
        match available_memory_bytes() {
            Some(available) if device.name == "cpu" && estimate > available => {
                let layers = self.network.layers().into_iter();
                let hidden = layers.filter(|layer| layer.spiking.is_some());
                let key = match self.config.model.layers {
                    Some(_) => "model.layers",
                    None => "model.hidden",
                };
                Err(RunnerError::Memory {
                    place: self.config.places.of(key).to_string(),
                    key,
                    hidden: hidden.map(|layer| layer.output.units()).collect(),
                    steps: self.config.encode.steps,
                    batch_size: self.config.train.batch_size,
                    estimate,
                    available,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Numbers that a training step keeps of a batch for its backward pass, and the batches ahead.
fn kept(network: &Network, batch: u128, steps: u128) -> u128 {
    // Every unit fires about once; each step of each sample says where its spikes end.
    let events = batch * steps + batch * network.input().units() as u128;
    network.kept(batch, steps) + BATCHES * events
}

#[cfg(test)]
mod tests {
    use block_models::{Formulation, NetworkConfig, Shape};
    use burn::tensor::Device;

    use super::*;

    const MEBI: u128 = 1 << 20;

    fn mebibytes(config: &NetworkConfig, batch: u128) -> u128 {
        numbers(config, batch) * NUMBER / MEBI
    }

    fn network(hidden: &[usize]) -> NetworkConfig {
        NetworkConfig::of(hidden)
    }

    fn numbers(config: &NetworkConfig, batch: u128) -> u128 {
        let network = config.init(Shape::Units(784), 10, &Device::flex());
        kept(&network.unwrap(), batch, 100)
    }

    #[test]
    fn the_configs_of_the_repository_take_what_was_measured() {
        let text = "[data]\nname = \"yin-yang\"\n[model]\nhidden = [120]";
        let plan = |text: &str| Plan::prepare(crate::Config::parse(text, "", &[]).unwrap());
        // Measured: 40 MB.
        let yin_yang = u128::from(plan(text).unwrap().memory_bytes()) / MEBI;
        assert!((30..50).contains(&yin_yang), "{yin_yang}");
        // Fashion-MNIST may not be here; measured: 150 MB in all, of which 55 MB are data and
        // 51 MB are 795000 parameters with what belongs to them.
        let step = mebibytes(&network(&[1000]), 128);
        assert!((1..20).contains(&step), "{step}");
    }

    #[test]
    fn only_layers_before_the_fused_one_are_kept_densely() {
        // 128 samples, 100 steps, 1000 neurons.
        let layer = 128 * 100 * 1000;
        let numbers = |config: &NetworkConfig| numbers(config, 128);
        let with_skip = |config| NetworkConfig {
            skip: true,
            ..config
        };
        let one = numbers(&network(&[1000]));
        assert_eq!(numbers(&network(&[1000, 1000])) - one, 3 * layer);
        let skip = with_skip(network(&[1000, 1000]));
        assert_eq!(numbers(&skip) - one, 6 * layer);
        // A skip connection needs two layers.
        assert_eq!(numbers(&with_skip(network(&[1000]))), one);
        for formulation in [Formulation::StandardSingle, Formulation::StandardMulti] {
            let network = NetworkConfig {
                formulation,
                ..network(&[1000])
            };
            assert_eq!(numbers(&network), one);
        }
    }

    #[test]
    fn convolutions_keep_their_matrices() {
        let convolution = NetworkConfig {
            formulation: Formulation::Convolution,
            ..network(&[1000])
        };
        let whole = mebibytes(&convolution, 128);
        // 293 MiB of the tape, 38 MiB of dense input, 76 MiB of matrices, and the readout.
        assert!((400..420).contains(&whole), "{whole}");
    }
}
