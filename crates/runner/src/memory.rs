//! The memory that a training takes, and whether there is as much.

use block_data::Samples;
use burn::module::Module;

use crate::config::Code;
use crate::error::{Result, RunnerError, Shortage};
use crate::plan::Plan;
use crate::room::Room;
use crate::splits::Surveys;
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
/// Batches at once: the one in work, one being made, and those ready in between.
const BATCHES: u128 = 4;

/// Parameters while a model is evaluated: the file, and the network before and after it is read.
const EVALUATED: u128 = 4;

/// What memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A training with its checkpoints.
    Training,
    /// The test of a kept model.
    Evaluation,
}

/// Something that takes memory.
struct Part {
    what: String,
    bytes: u128,
    remedy: String,
}

impl Plan {
    /// An estimate of the memory that work takes, in bytes.
    pub fn memory_bytes(&self, surveys: &Surveys, work: Work) -> u64 {
        let parts = self.parts(surveys, work);
        let bytes = parts.iter().map(|part| part.bytes).sum::<u128>() + PROCESS;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn parts(&self, surveys: &Surveys, work: Work) -> [Part; 4] {
        let (source, config) = (&self.source, &self.config);
        let samples = |samples: Samples| samples.len() as u128;
        let (train, test) = (samples(source.train()), samples(source.test()));
        let batch = (config.train.batch_size as u128).min(train.max(test));
        let parameters = self.network.num_params() as u128;
        let classes = source.classes() as u128;
        let steps = config.encode.steps as u128;
        let units = source.units() as u128;
        let input = match config.encode.code {
            // A frame is repeated in the batch in work.
            Some(Code::Frames) => batch * units * (BATCHES + steps),
            // Each step of each sample says where its spikes end.
            _ => BATCHES * (batch * steps + self.most_events(surveys, batch)),
        };
        let (copies, kept) = match work {
            Work::Training => {
                let events = config.encode.code != Some(Code::Frames);
                let penalties = config.train.penalties();
                let kept = self.network.kept(batch, steps, events, penalties);
                (TRAINED + CHECKPOINT, kept)
            }
            Work::Evaluation => (EVALUATED, 0),
        };
        let hidden = self.hidden_key();
        let stated = |key: &str| match config.data.files() {
            Some(_) => format!(", which data.{key} can state"),
            None => String::new(),
        };
        [
            Part {
                what: "the data".to_string(),
                bytes: source.memory_bytes() as u128,
                remedy: "use less data, or a machine with more memory".to_string(),
            },
            Part {
                what: format!("{parameters} parameters"),
                bytes: parameters * copies * NUMBER,
                remedy: format!(
                    "make `{hidden}` or the number of input units smaller{}",
                    stated("units")
                ),
            },
            Part {
                what: format!("the confusion matrix of {classes} classes"),
                // Twice while they are written.
                bytes: 4 * classes.pow(2) * NUMBER,
                remedy: format!("make the number of classes smaller{}", stated("classes")),
            },
            Part {
                what: "the batches".to_string(),
                bytes: (input + kept) * NUMBER,
                remedy: format!("make `train.batch_size`, `encode.steps` or `{hidden}` smaller"),
            },
        ]
    }

    /// The most events of a batch: of values each is one, of recordings they were counted.
    fn most_events(&self, surveys: &Surveys, batch: u128) -> u128 {
        let most = surveys.iter().map(|(_, survey)| {
            let all = u128::from(survey.account.spikes);
            all.min(batch * u128::from(survey.most_spikes))
        });
        most.max()
            .unwrap_or(batch * self.network.input().units() as u128)
    }

    fn hidden_key(&self) -> &'static str {
        match self.config.model.layers {
            Some(_) => "model.layers",
            None => "model.hidden",
        }
    }

    /// Checks that there is the memory that work takes, at this moment: an allocation that fails, or a system without memory,
    /// ends the process without a word, after hours maybe.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Memory`] if there is less. Nothing is refused where the system does not tell,
    /// or for a GPU, whose memory is its own.
    pub fn check_memory(&self, device: &NamedDevice, surveys: &Surveys, work: Work) -> Result<()> {
        match Room::now() {
            Some(room) if device.name == "cpu" => self.check_room(surveys, work, room),
            _ => Ok(()),
        }
    }

    fn check_room(&self, surveys: &Surveys, work: Work, room: Room) -> Result<()> {
        let estimate = self.memory_bytes(surveys, work);
        if estimate <= room.left {
            return Ok(());
        }
        let parts = self.parts(surveys, work);
        let largest = parts.into_iter().max_by_key(|part| part.bytes);
        let Some(largest) = largest else {
            unreachable!("there are four parts")
        };
        let layers = self.network.hidden.iter();
        let hidden = layers.filter(|layer| layer.neuron_model().is_some());
        Err(RunnerError::Memory(Box::new(Shortage {
            place: self.config.places.of(self.hidden_key()).to_string(),
            units: self.source.units(),
            classes: self.source.classes(),
            key: self.hidden_key(),
            hidden: hidden.map(|layer| layer.output().units()).collect(),
            steps: self.config.encode.steps,
            batch_size: self.config.train.batch_size,
            estimate,
            largest: largest.what,
            largest_bytes: u64::try_from(largest.bytes).unwrap_or(u64::MAX),
            available: room.left,
            total: room.total,
            limit: room.limit,
            remedy: match self.strays(surveys) {
                Some(strays) => format!("{}; {strays}", largest.remedy),
                None => largest.remedy,
            },
        })))
    }
}

#[cfg(test)]
mod tests {
    use block_models::{Formulation, NetworkConfig, Penalties, Shape};
    use burn::tensor::Device;

    use super::*;
    use crate::splits::Split;

    const MEBI: u128 = 1 << 20;

    fn mebibytes(config: &NetworkConfig, batch: u128) -> u128 {
        numbers(config, batch) * NUMBER / MEBI
    }

    fn network(hidden: &[usize]) -> NetworkConfig {
        NetworkConfig::of(hidden)
    }

    fn numbers(config: &NetworkConfig, batch: u128) -> u128 {
        let network = config.init(Shape::Units(784), 10, &Device::flex());
        let events = BATCHES * batch * (100 + 784);
        network
            .unwrap()
            .kept(batch, 100, true, Penalties::default())
            + events
    }

    #[test]
    fn the_configs_of_the_repository_take_what_was_measured() {
        let text = "[data]\nname = \"yin-yang\"\n[model]\nhidden = [120]";
        let plan = |text: &str| Plan::prepare(crate::Config::parse(text, "", &[]).unwrap());
        // Measured: 40 MB.
        let plan = plan(text).unwrap();
        let surveys = plan.survey(&Split::ALL).unwrap();
        let bytes = plan.memory_bytes(&surveys, Work::Training);
        let yin_yang = u128::from(bytes) / MEBI;
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
    fn penalties_keep_the_layers_that_they_are_of() {
        let network = network(&[1000]).init(Shape::Units(784), 10, &Device::flex());
        let network = network.unwrap();
        let kept = |spikes, silence| network.kept(128, 100, true, Penalties { spikes, silence });
        let layer = 128 * 100 * 1000;
        assert_eq!(kept(0.1, 0.0) - kept(0.0, 0.0), 3 * layer);
        assert_eq!(kept(0.0, 0.1) - kept(0.0, 0.0), 7 * layer);
    }

    #[test]
    fn frames_are_no_events() {
        let text = |code| {
            format!(
                "[data]\nname = \"yin-yang\"\n[encode]\nsteps = 20\ncode = \"{code}\"\n[model]\nformulation = \"convolution\"\n\
                 hidden = [5]\n[train]\nbatch_size = 10"
            )
        };
        let kept = |code| {
            let config = crate::Config::parse(&text(code), "", &[]).unwrap();
            let plan = Plan::prepare(config).unwrap();
            plan.network
                .kept(10, 20, code != "frames", Penalties::default())
        };
        // Events that become dense are copied, frames are dense already: 10 samples, 20 steps, 4 units.
        assert_eq!(kept("single-spike") - kept("frames"), 10 * 20 * 4);
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

    #[test]
    fn what_takes_most_is_named() {
        let plan =
            |text: &str| Plan::prepare(crate::Config::parse(text, "", &[]).unwrap()).unwrap();
        let room = Room {
            left: 1 << 26,
            total: 1 << 27,
            limit: "this test",
        };
        let refused_in = |text: &str, work, room| {
            let refused = plan(text).check_room(&Surveys::default(), work, room);
            refused.unwrap_err().to_string()
        };
        let refused = |text: &str, work| refused_in(text, work, room);
        let wide = "[data]\nname = \"yin-yang\"\n[model]\nhidden = [4_000_000]";
        let text = refused(wide, Work::Training);
        for part in [
            "4 input units, 3 classes, `model.hidden` = [4000000]",
            "of memory (",
            "for 36000006 parameters), but 0.1 GiB are available of the 0.1 GiB of this test; make `model.hidden` or the number of input units smaller",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert!(refused(wide, Work::Evaluation).contains("GiB of memory"));
        // It would fit if nothing else took memory.
        let busy = Room {
            total: 1 << 40,
            ..room
        };
        let text = refused_in(wide, Work::Training, busy);
        let part = "0.1 GiB are available of the 1024.0 GiB of this test; the rest is taken at this moment";
        assert!(
            text.contains(part) && text.contains("or make `model.hidden`"),
            "{text}"
        );
        let long =
            "[data]\nname = \"yin-yang\"\n[model]\nhidden = [10]\n[encode]\nsteps = 1_000_000";
        let text = refused(long, Work::Training);
        assert!(
            text.contains("for the batches)") && text.contains("`encode.steps` or"),
            "{text}"
        );
    }
}
