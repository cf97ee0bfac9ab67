//! The training of a run, from the beginning or from a checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use block_data::{SpikeBatch, counted};
use block_models::{Adam, Moments, Network};
use burn::module::Module;
use burn::tensor::Device;

use crate::checkpoint::{Checkpoint, Loaded};
use crate::environment::Environment;
use crate::error::{Difference, Result, RunnerError};
use crate::evaluate::Evaluation;
use crate::files::Log;
use crate::finite::sums_are_finite;
use crate::identity::{Accept, RunData, TEST_SPLIT, TRAINING_SPLIT, check_units, differences};
use crate::logs::Logs;
use crate::metrics::{BatchRecord, EpochRecord, Totals, microseconds};
use crate::plan::Plan;
use crate::position::{Best, Position};
use crate::run_folder::{
    BATCHES, BEST, CONFIG, ENVIRONMENT, EPOCHS, LAST, RESUME, RunFolder, best_until,
};
use crate::step::Forward;
use crate::weights;
use block_core::device::NamedDevice;

/// After so many batches the parameters are looked at, so that the batch in which one is no number any more is known to that
/// many: each time it takes a twentieth of a step.
const LOOKED_AT: usize = 10;

/// Receives the progress of a training.
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
    data: RunData,
    network: Network,
    adam: Adam,
    position: Position,
    best: Option<Vec<u8>>,
    epochs: Log,
    batches: Log,
}

impl<'a> Trainer<'a> {
    /// A training before its first batch, of a network from the plan. A first checkpoint is written, so that the run
    /// can be resumed whatever happens.
    ///
    /// # Errors
    ///
    /// [`RunnerError`] if the folder cannot be written.
    pub fn start(
        plan: &'a Plan,
        device: &'a NamedDevice,
        folder: &'a RunFolder,
        network: Network,
    ) -> Result<Self> {
        let trainer = Self {
            plan,
            device,
            folder,
            data: RunData::of(plan)?,
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

    /// A training at the run's last checkpoint or, if that is damaged, at the one before. What the logs say of later
    /// batches is cut off.
    ///
    /// The plan's config and data are compared with the run's. What differs is written to `environment.json`,
    /// and the config to `config.toml`. If a change would alter the epochs so far, the epoch under way begins anew.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Checkpoint`] if it is missing, damaged or another network's, [`RunnerError::Changed`] if config or
    /// data differ in ways not accepted, [`RunnerError::Reshaped`] or [`RunnerError::Units`] if they make another network
    /// than the run's, [`RunnerError::Value`] if it has finished more epochs than the plan has. The folder is then as it was.
    pub fn resume(
        plan: &'a Plan,
        device: &'a NamedDevice,
        folder: &'a RunFolder,
        accept: Accept,
    ) -> Result<Self> {
        Self::go_on(plan, device, folder, Checkpoint::load(folder)?, accept)
    }

    /// [`resume`](Self::resume) from the folder's checkpoint.
    pub(crate) fn go_on(
        plan: &'a Plan,
        device: &'a NamedDevice,
        folder: &'a RunFolder,
        loaded: Loaded,
        accept: Accept,
    ) -> Result<Self> {
        let older = loaded.told(folder);
        let Loaded {
            mut checkpoint,
            file,
            ..
        } = loaded;
        let finished = checkpoint.position.epochs;
        if plan.config.train.epochs < finished {
            return Err(RunnerError::Value {
                place: "--set".to_string(),
                key: "train.epochs".to_string(),
                found: plan.config.train.epochs.to_string(),
                expected: format!("at least {finished}, the epochs that the run has finished"),
            });
        }
        let data = RunData::of(plan)?;
        let differences = compare(plan, &data, &checkpoint, folder, accept)?;
        let mut network = plan.init_network(&device.device.clone().autodiff())?;
        let path = folder.file(file);
        let shape: Vec<_> = differences
            .iter()
            .filter(|one| of_shape(one))
            .cloned()
            .collect();
        let reshaped = |error| match shape.is_empty() {
            true => error,
            false => RunnerError::Reshaped {
                path: folder.path().to_path_buf(),
                differences: shape.clone(),
            },
        };
        let adam = checkpoint.restore(&mut network, &path).map_err(reshaped)?;
        // Training does not depend on the test split.
        let is_another = differences
            .iter()
            .any(|one| !one.allowed && one.what != TEST_SPLIT);
        let fits = checkpoint
            .position
            .check(plan.samples()[0], plan.config.train.batch_size);
        if let Err(problem) = fits
            && !is_another
        {
            return Err(RunnerError::Checkpoint { path, problem });
        }
        if let Some(older) = &older {
            tracing::warn!("{older}");
        }
        if checkpoint.config.is_none() || checkpoint.data.is_none() {
            tracing::warn!(
                "made by an earlier runner, which kept no fingerprints: whether config and data are still the run's cannot \
                 be told; from here on it can"
            );
        }
        for one in &differences {
            match one.allowed {
                true => tracing::info!("{one}"),
                false => tracing::warn!("accepted: {one}"),
            }
        }
        // All of it fits, so the folder may be written to: first what is on record, then the file that counts, then those
        // for others to read. A crash may also have come between these before.
        let logs = Logs::go_on(folder, &checkpoint.position)?;
        for lines in &logs.missing {
            tracing::warn!("{lines}; the run goes on without them");
        }
        let position = &checkpoint.position;
        let before = Environment::take_over(folder)?;
        let mut environment =
            Environment::resume(before, device, position.epochs, older, logs.missing.clone());
        environment.change(&differences, [position.epochs, position.batches]);
        folder.write_json(ENVIRONMENT, &environment)?;
        checkpoint.position.epochs_length = logs.epochs.length();
        checkpoint.position.batches_length = logs.batches.length();
        let mut begins_anew = false;
        if is_another {
            let done = checkpoint.position.batches;
            let best = checkpoint.position.best;
            checkpoint.position.accept_changes(&plan.config.train);
            if checkpoint.position.best.is_none()
                && let Some((Best { epoch, .. }, weights)) = best.zip(checkpoint.best.take())
            {
                let kept = best_until(finished);
                folder.write(&kept, &weights)?;
                begins_anew = true;
                tracing::warn!(
                    "the best epoch so far, {epoch}, is no longer compared with: its loss is another training's. Its weights \
                     are kept as {kept}, and {BEST} begins anew"
                );
            }
            if done > 0 {
                let epoch = finished + 1;
                tracing::warn!(
                    "epoch {epoch} begins anew; the {} done of it can still be seen in the weights and in {BATCHES}",
                    counted(done, "batch")
                );
            }
        }
        let (config, before) = (
            plan.config.to_toml(),
            fs::read_to_string(folder.file(CONFIG)).ok(),
        );
        checkpoint.replaces = before.filter(|before| *before != config);
        checkpoint.config = Some(config.clone());
        checkpoint.data = Some(data.clone());
        checkpoint.replace(folder)?;
        if begins_anew {
            folder.remove(BEST)?;
        }
        folder.write(CONFIG, config.as_bytes())?;
        let Checkpoint { position, best, .. } = checkpoint;
        Ok(Self {
            plan,
            device,
            folder,
            data,
            network,
            adam,
            epochs: logs.epochs,
            batches: logs.batches,
            position,
            best,
        })
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
                self.finish_epoch(stop, observer)?;
            }
            self.save()?;
            if stop.load(Ordering::Relaxed) && self.position.epochs < epochs {
                let (epoch, batches) = (self.position.epochs + 1, self.position.batches);
                return Err(RunnerError::Interrupted {
                    at: format!("in epoch {epoch} after {batches} of its batches"),
                    path: self.folder.path().to_path_buf(),
                });
            }
        }
        let (Some(best), Some(weights)) = (self.position.best, self.best) else {
            // Every first epoch is the best so far, but a checkpoint from elsewhere may say anything.
            return Err(RunnerError::Checkpoint {
                path: self.folder.file(RESUME),
                problem: "it has no best epoch, which a finished training has".to_string(),
            });
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
        let penalties = self.plan.config.train.penalties();
        let forward = Forward::run(&self.network, batch, penalties)?;
        let forward_seconds = begin.elapsed().as_secs_f64();
        let totals = Totals::of(&forward);
        if !forward.loss_value.is_finite() {
            return Err(RunnerError::Diverged {
                layer: self.first_not_finite()?,
                rate: self.position.learning_rate,
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
            penalty: totals.mean_penalty().filter(|_| !penalties.are_zero()),
            accuracy: totals.accuracy(),
            hidden_spikes: totals.hidden_spikes(),
            hidden_spikes_by_layer: totals.hidden_spikes_by_layer(),
            forward_seconds: microseconds(forward_seconds),
            backward_seconds: microseconds(backward_seconds),
        })?;
        self.position.totals.add(&totals);
        self.position.batches = number;
        if number.is_multiple_of(LOOKED_AT) && !sums_are_finite(&self.network) {
            let weights = weights::to_bytes(&self.network, &self.folder.file(LAST))?;
            self.check_finite(&weights, &BTreeMap::new())?;
        }
        Ok(self)
    }

    /// The first layer with a parameter that is not finite. Where all are finite, a potential became too large, which
    /// only the readout hands on.
    fn first_not_finite(&self) -> Result<String> {
        let weights = weights::to_bytes(&self.network, &self.folder.file(LAST))?;
        let names = weights::not_finite(&weights);
        let layers = self.network.layers().into_iter().map(|layer| layer.name);
        let mut bad = layers.filter(|layer| {
            let of_it = |name: &String| name.starts_with(&format!("{layer}."));
            names.iter().any(of_it)
        });
        Ok(bad.next().unwrap_or_else(|| "readout".to_string()))
    }

    /// Refuses to save what is not finite: the checkpoint before is the last good one.
    fn check_finite(&self, weights: &[u8], moments: &BTreeMap<String, Moments>) -> Result<()> {
        let numbers = |moments: &Moments| {
            let all = moments.first.iter().chain(&moments.second);
            all.copied().all(f32::is_finite)
        };
        let mut bad = weights::not_finite(weights).into_iter();
        let mut moments = moments.iter().filter(|(_, moments)| !numbers(moments));
        let bad_moments = || moments.next().map(|(path, _)| format!("adam.{path}"));
        match bad.next().or_else(bad_moments) {
            Some(parameter) => {
                let last = self.position.batches;
                // Of the moments only the last checkpoint says that they were finite.
                let first = match parameter.starts_with("adam.") {
                    true => 1,
                    false => last.saturating_sub(1) / LOOKED_AT * LOOKED_AT + 1,
                };
                Err(RunnerError::NotFinite {
                    rate: self.position.learning_rate,
                    epoch: self.position.epochs + 1,
                    batches: [first, last],
                    parameter,
                })
            }
            None => Ok(()),
        }
    }

    /// What follows the last batch: validation, the log, keeping the model, a milestone. With `stop` set before the
    /// validation is done, nothing of all that; the run goes on with it.
    fn finish_epoch(&mut self, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<()> {
        let train = &self.plan.config.train;
        let epoch = self.position.epochs + 1;
        let weights = weights::to_bytes(&self.network, &self.folder.file(BEST))?;
        self.check_finite(&weights, &self.adam.moments())?;
        let validation = match self.plan.validation_loader(&self.device.device)? {
            Some(loader) => {
                observer.evaluation_begins();
                match Evaluation::run_until(&self.network.valid(), &loader, stop)? {
                    None => return Ok(()),
                    found => found,
                }
            }
            None => None,
        };
        let validation = validation.as_ref();
        let totals = std::mem::take(&mut self.position.totals);
        let loss = totals.mean_loss();
        let best = self.position.best.map(|best| best.loss);
        let improved = loss.filter(|&loss| best.is_none_or(|best| loss < best));
        let record = EpochRecord {
            epoch,
            learning_rate: self.position.learning_rate,
            train_loss: loss,
            train_penalty: totals
                .mean_penalty()
                .filter(|_| !train.penalties().are_zero()),
            train_accuracy: totals.accuracy(),
            hidden_spikes: totals.hidden_spikes(),
            hidden_spikes_by_layer: totals.hidden_spikes_by_layer(),
            validation_loss: validation.and_then(|found| found.totals.mean_loss()),
            validation_accuracy: validation.and_then(|found| found.totals.accuracy()),
            validation_hidden_spikes: validation.and_then(|found| found.totals.hidden_spikes()),
            best: improved.is_some(),
            train_seconds: microseconds(self.position.seconds),
            wait_seconds: microseconds(self.position.wait_seconds),
            validation_seconds: validation.map(|found| microseconds(found.seconds)),
        };
        self.epochs.append(&record)?;
        if let Some(loss) = improved {
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
                    "{name} stayed silent for all of epoch {epoch}: its {} fired on no sample; \
                     a larger model.init_scale or train.learning_rate helps, or a train.silence_penalty",
                    counted(neurons, "neuron")
                );
            } else if spikes == totals.samples * neurons as u64 * most {
                tracing::warn!(
                    "{name} was saturated for all of epoch {epoch}: its {} fired on every \
                     sample, as often as they can; a smaller model.init_scale or beta helps",
                    counted(neurons, "neuron")
                );
            }
        }
    }

    fn save(&mut self) -> Result<()> {
        self.epochs.sync()?;
        self.batches.sync()?;
        self.position.epochs_length = self.epochs.length();
        self.position.batches_length = self.batches.length();
        let checkpoint = self.checkpoint()?;
        // After an epoch its end has checked this, and the number of the epoch is the next one's.
        if self.position.batches > 0 {
            self.check_finite(&checkpoint.last, &checkpoint.moments)?;
        }
        checkpoint.save(self.folder)
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        Ok(Checkpoint {
            position: self.position.clone(),
            last: weights::to_bytes(&self.network, &self.folder.file(LAST))?,
            best: self.best.clone(),
            moments: self.adam.moments(),
            config: Some(self.plan.config.to_toml()),
            replaces: None,
            data: Some(self.data.clone()),
        })
    }
}

/// How a plan differs from a run, if all of that is accepted.
fn compare(
    plan: &Plan,
    data: &RunData,
    checkpoint: &Checkpoint,
    folder: &RunFolder,
    accept: Accept,
) -> Result<Vec<Difference>> {
    let before = checkpoint.data.as_ref();
    // Of a run that does not say what its data were, the config's units are taken as meant.
    let folds = before.is_none_or(|before| before.folds(plan.source.units()));
    check_units(plan, TRAINING_SPLIT, &data.train, folds)?;
    check_units(plan, TEST_SPLIT, &data.test, folds)?;
    let config = checkpoint.run_config()?;
    let now = (&plan.config, data);
    let epochs = checkpoint.position.epochs;
    let differences = differences((config.as_ref(), before), now, epochs, accept.test_split);
    let is_refused = |one: &&Difference| !one.allowed && !accept.changes;
    let refused: Vec<_> = differences.iter().filter(is_refused).cloned().collect();
    if refused.is_empty() {
        return Ok(differences);
    }
    let of_data = |one: &Difference| [TRAINING_SPLIT, TEST_SPLIT].contains(&one.what.as_str());
    Err(RunnerError::Changed {
        path: folder.path().to_path_buf(),
        subject: if refused.iter().all(of_data) {
            "other data"
        } else {
            "another config"
        },
        remedy: match refused.iter().any(of_data) {
            true => {
                let [train, test] = [false, true].map(|test| plan.file_of(test));
                format!(
                    "found in {train} and {test}; put the run's data back, name them by --data-dir or --set data.train \
                     and data.test, or go on with these by --accept-changes"
                )
            }
            false => UNDO.to_string(),
        },
        differences: refused,
    })
}

/// What to do about a config that is not a run's.
pub(crate) const UNDO: &str = "undo that, or go on with it by --accept-changes";

/// Whether the shape of a network follows from it.
fn of_shape(difference: &Difference) -> bool {
    let key = difference.what.trim_matches('`');
    key.starts_with("model.") || ["data.name", "data.units", "data.classes"].contains(&key)
}

/// What a finished training leaves.
pub struct Trained {
    /// The epoch whose model was kept, from 1.
    pub best_epoch: usize,
    /// The kept model, without autodiff.
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
