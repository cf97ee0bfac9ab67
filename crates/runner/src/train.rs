//! The training of a run, from the beginning or from a checkpoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use block_data::SpikeBatch;
use block_models::{Adam, Network};
use burn::module::Module;
use burn::tensor::Device;

use crate::checkpoint::{Best, Checkpoint, Position};
use crate::error::{Result, RunnerError};
use crate::evaluate::Evaluation;
use crate::files::Log;
use crate::metrics::{BatchRecord, EpochRecord, Totals, microseconds};
use crate::plan::Plan;
use crate::run_folder::{BATCHES, BEST, EPOCHS, LAST, RESUME, RunFolder};
use crate::step::Forward;
use crate::weights;
use block_core::device::NamedDevice;

/// Told how the training goes.
pub trait Observer {
    /// An epoch begins, or goes on after some of its samples. Epochs count from 1.
    fn epoch_begins(&mut self, epoch: usize, epochs: usize, samples: usize, done: &Totals);
    /// A batch is done; the sums are the epoch's so far.
    fn batch_ends(&mut self, totals: &Totals);
    /// The training pass is over and samples are evaluated.
    fn evaluation_begins(&mut self);
    /// An epoch is over and in the log.
    fn epoch_ends(&mut self, record: &EpochRecord, epochs: usize);
}

/// A training between two batches.
pub struct Trainer<'a> {
    plan: &'a Plan,
    device: &'a NamedDevice,
    folder: &'a RunFolder,
    network: Network,
    adam: Adam,
    position: Position,
    best: Option<Vec<u8>>,
    epochs: Log,
    batches: Log,
}

impl<'a> Trainer<'a> {
    /// Before the first batch. The checkpoint of that is written, so that the run can be resumed
    /// whatever happens.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] if the network cannot be built or the folder not be written.
    pub fn start(plan: &'a Plan, device: &'a NamedDevice, folder: &'a RunFolder) -> Result<Self> {
        let network = plan.init_network(&device.device.clone().autodiff())?;
        let trainer = Self {
            plan,
            device,
            folder,
            network,
            adam: Adam::default(),
            position: Position::start(plan.config.train.learning_rate),
            best: None,
            epochs: Log::open(folder.file(EPOCHS), 0)?,
            batches: Log::open(folder.file(BATCHES), 0)?,
        };
        trainer.checkpoint()?.save(folder)?;
        Ok(trainer)
    }

    /// Where the run's checkpoint is. What the logs say of later batches is cut off.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`] if it is missing, damaged or another network's, [`RunnerError::Value`] if it has finished
    /// more epochs than the plan has. The folder is then as it was.
    pub fn resume(plan: &'a Plan, device: &'a NamedDevice, folder: &'a RunFolder) -> Result<Self> {
        let checkpoint = Checkpoint::load(folder)?;
        let (epochs, finished) = (plan.config.train.epochs, checkpoint.position.epochs);
        if epochs < finished {
            return Err(RunnerError::Value {
                place: "--set".to_string(),
                key: "train.epochs".to_string(),
                found: epochs.to_string(),
                expected: format!("at least {finished}, the epochs that the run has finished"),
            });
        }
        let mut network = plan.init_network(&device.device.clone().autodiff())?;
        let path = folder.file(RESUME);
        weights::load(&mut network, checkpoint.last.clone(), &path)?;
        let adam = Adam::from_moments(checkpoint.moments.clone(), &network).map_err(|error| {
            let problem = error.to_string();
            RunnerError::Checkpoint { path, problem }
        })?;
        // All of it fits, so the folder may be written to. A crash may have come between the file that counts and
        // those for others to read.
        checkpoint.save(folder)?;
        let Checkpoint { position, best, .. } = checkpoint;
        Ok(Self {
            plan,
            device,
            folder,
            network,
            adam,
            epochs: Log::open(folder.file(EPOCHS), position.epochs_length)?,
            batches: Log::open(folder.file(BATCHES), position.batches_length)?,
            position,
            best,
        })
    }

    /// Finished epochs.
    pub fn finished_epochs(&self) -> usize {
        self.position.epochs
    }

    /// Trains to the end. With `stop` set it ends after the batch, with everything saved.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Interrupted`], or what went wrong.
    pub fn run(mut self, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Trained> {
        let epochs = self.plan.config.train.epochs;
        while self.position.epochs < epochs {
            let complete;
            (self, complete) = self.train_epoch(stop, observer)?;
            if complete {
                self.finish_epoch(observer)?;
            }
            self.save()?;
            if stop.load(Ordering::Relaxed) && self.position.epochs < epochs {
                return Err(RunnerError::Interrupted {
                    epoch: self.position.epochs + 1,
                    batches: self.position.batches,
                    path: self.folder.path().to_path_buf(),
                });
            }
        }
        let (Some(best), Some(weights)) = (self.position.best, self.best) else {
            // Every first epoch is the best so far.
            unreachable!("at least one epoch is finished")
        };
        Ok(Trained {
            best_epoch: best.epoch,
            network: restore(
                self.plan,
                &self.device.device,
                weights,
                &self.folder.file(BEST),
            )?,
        })
    }

    /// The epoch's remaining batches; whether that was all of them.
    fn train_epoch(
        mut self,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<(Self, bool)> {
        let loader = self.plan.train_loader(&self.device.device)?;
        let epoch = self.position.epochs + 1;
        let epochs = self.plan.config.train.epochs;
        observer.epoch_begins(epoch, epochs, loader.len(), &self.position.totals);
        let (seconds, wait_seconds) = (self.position.seconds, self.position.wait_seconds);
        let begin = Instant::now();
        let mut waited = 0.0;
        // Epochs count from 0 for the loader: order and changes follow from that number.
        let mut batches = loader
            .epoch(self.position.epochs as u64)
            .skip(self.position.batches);
        loop {
            let wait = Instant::now();
            let Some(batch) = batches.next() else {
                return Ok((self, true));
            };
            waited += wait.elapsed().as_secs_f64();
            self = self.step(batch?)?;
            self.position.seconds = seconds + begin.elapsed().as_secs_f64();
            self.position.wait_seconds = wait_seconds + waited;
            observer.batch_ends(&self.position.totals);
            if stop.load(Ordering::Relaxed) && self.position.batches < loader.batches() {
                return Ok((self, false));
            }
        }
    }

    fn step(mut self, batch: SpikeBatch) -> Result<Self> {
        let (epoch, number) = (self.position.epochs + 1, self.position.batches + 1);
        let begin = Instant::now();
        let forward = Forward::run(&self.network, batch)?;
        let forward_seconds = begin.elapsed().as_secs_f64();
        let totals = Totals::of(&forward);
        if !forward.loss_value.is_finite() {
            return Err(RunnerError::Diverged {
                epoch,
                batch: number,
                loss: forward.loss_value,
            });
        }

        let begin = Instant::now();
        let rate = self.position.learning_rate;
        let loss = forward.loss_value;
        self.network = forward.update(self.network, &mut self.adam, rate);
        self.device.sync()?;
        let backward_seconds = begin.elapsed().as_secs_f64();

        self.batches.append(&BatchRecord {
            epoch,
            batch: number,
            samples: totals.samples,
            loss,
            accuracy: totals.accuracy(),
            hidden_spikes: totals.hidden_spikes(),
            hidden_spikes_by_layer: totals.hidden_spikes_by_layer(),
            forward_seconds: microseconds(forward_seconds),
            backward_seconds: microseconds(backward_seconds),
        })?;
        self.position.totals.add(&totals);
        self.position.batches = number;
        Ok(self)
    }

    /// What follows the last batch: validation, the log, keeping the model, a milestone.
    fn finish_epoch(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let train = &self.plan.config.train;
        let epoch = self.position.epochs + 1;
        let weights = weights::to_bytes(&self.network, &self.folder.file(BEST))?;
        if let Some(parameter) = weights::not_finite(&weights) {
            return Err(RunnerError::NotFinite { epoch, parameter });
        }
        let validation = match self.plan.validation_loader(&self.device.device)? {
            Some(loader) => {
                observer.evaluation_begins();
                Some(Evaluation::run(&self.network.valid(), &loader)?)
            }
            None => None,
        };
        let validation = validation.as_ref();
        let totals = std::mem::take(&mut self.position.totals);
        let loss = totals.mean_loss();
        let improved = self.position.best.is_none_or(|best| loss < best.loss);
        let record = EpochRecord {
            epoch,
            learning_rate: self.position.learning_rate,
            train_loss: loss,
            train_accuracy: totals.accuracy(),
            hidden_spikes: totals.hidden_spikes(),
            hidden_spikes_by_layer: totals.hidden_spikes_by_layer(),
            validation_loss: validation.map(|found| found.totals.mean_loss()),
            validation_accuracy: validation.map(|found| found.totals.accuracy()),
            validation_hidden_spikes: validation.map(|found| found.totals.hidden_spikes()),
            best: improved,
            train_seconds: microseconds(self.position.seconds),
            wait_seconds: microseconds(self.position.wait_seconds),
            validation_seconds: validation.map(|found| microseconds(found.seconds)),
        };
        self.epochs.append(&record)?;
        if improved {
            self.position.best = Some(Best { epoch, loss });
            self.best = Some(weights);
        }
        if train.milestones.contains(&epoch)
            && let Some(best) = self.best.clone()
        {
            self.position.learning_rate *= train.gamma;
            let device = self.device.device.clone().autodiff();
            self.network = restore(self.plan, &device, best, &self.folder.file(BEST))?;
            self.adam = Adam::default();
        }
        self.position.epochs = epoch;
        self.position.batches = 0;
        self.position.seconds = 0.0;
        self.position.wait_seconds = 0.0;
        observer.epoch_ends(&record, train.epochs);
        self.warn_about_activity(epoch, &totals);
        Ok(())
    }

    /// Names hidden layers that no spike left, or of which every neuron fired as often as it can.
    fn warn_about_activity(&self, epoch: usize, totals: &Totals) {
        let layers = self.plan.network.layers().into_iter();
        let spiking = layers.filter_map(|layer| Some((layer.spiking?, layer)));
        for ((model, layer), &spikes) in spiking.zip(&totals.spikes) {
            let (name, neurons) = (&layer.name, layer.output.units());
            let most = match model.fires_once() {
                true => 1,
                false => self.plan.config.encode.steps as u64,
            };
            if spikes == 0 {
                tracing::warn!(
                    "{name} stayed silent for all of epoch {epoch}: none of its {neurons} neurons \
                     fired on any sample; a larger model.init_scale or train.learning_rate helps"
                );
            } else if spikes == totals.samples * neurons as u64 * most {
                tracing::warn!(
                    "{name} was saturated for all of epoch {epoch}: every one of its {neurons} \
                     neurons fired on every sample; a smaller model.init_scale or beta helps"
                );
            }
        }
    }

    fn save(&mut self) -> Result<()> {
        self.epochs.sync()?;
        self.batches.sync()?;
        self.position.epochs_length = self.epochs.length();
        self.position.batches_length = self.batches.length();
        self.checkpoint()?.save(self.folder)
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        Ok(Checkpoint {
            position: self.position.clone(),
            last: weights::to_bytes(&self.network, &self.folder.file(LAST))?,
            best: self.best.clone(),
            moments: self.adam.moments(),
            config: None,
            fingerprints: BTreeMap::new(),
        })
    }
}

/// What a finished training leaves.
pub struct Trained {
    /// The epoch whose model was kept, from 1.
    pub best_epoch: usize,
    /// That model, without autodiff.
    pub network: Network,
}

/// A network with weights from a file of the run, which messages name.
///
/// # Errors
///
/// [`RunnerError::Checkpoint`] if they do not fit.
pub(crate) fn restore(
    plan: &Plan,
    device: &Device,
    bytes: Vec<u8>,
    file: &Path,
) -> Result<Network> {
    let mut network = plan.init_network(device)?;
    weights::load(&mut network, bytes, file)?;
    Ok(network)
}
