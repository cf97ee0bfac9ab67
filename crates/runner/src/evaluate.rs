//! A network on samples as they are: accuracy, by class too, loss and hidden spikes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use block_data::{SpikeLoader, counted};
use block_models::{Network, Penalties};
use serde::Serialize;

use crate::error::Result;
use crate::identity::SplitContent;
use crate::metrics::{Totals, shown};
use crate::step::Forward;

/// What a network does on a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Sums over the samples.
    pub totals: Totals,
    /// The confusion matrix: how often a sample of each class (row) was classified as each class (column).
    pub confusion: Vec<Vec<u64>>,
    /// How long it took, loader included.
    pub seconds: f64,
}

/// Written to `eval.json`. Null stands where there was nothing to measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// The data set.
    pub data: String,
    /// The device.
    pub device: String,
    /// What was scored.
    pub test_split: ScoredSplit,
    /// Samples of the scored split.
    pub samples: u64,
    /// The fraction of samples that are classified correctly.
    pub test_accuracy: Option<f64>,
    /// The mean loss over the samples.
    pub test_loss: Option<f64>,
    /// Hidden spikes a sample, all layers together.
    pub hidden_spikes_per_sample: Option<f64>,
    /// Hidden spikes a sample, layer by layer.
    pub hidden_spikes_per_sample_by_layer: Vec<f64>,
    /// The results by class.
    pub classes: Vec<ClassReport>,
    /// The confusion matrix: how often a sample of each class (row) was classified as each class (column).
    pub confusion: Vec<Vec<u64>>,
}

/// The split that was scored, and whether it is the run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoredSplit {
    /// The file, or the data set.
    pub place: String,
    /// What the split holds.
    #[serde(flatten)]
    pub content: SplitContent,
    /// How the scored split compares with the run's test split.
    pub compared: Compared,
    /// What the run's own test split holds, if the run says so and it differs.
    pub of_run: Option<SplitContent>,
}

/// How a split compares with the run's test split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// The split holds the same samples.
    Same,
    /// The split is another one, which was named.
    Named,
    /// The split is another one, which nobody named.
    Changed,
    /// The run does not say what its test split held.
    Unknown,
}

impl ScoredSplit {
    /// Compares a split with the run's test split; `named` is whether its file was named for this.
    pub(crate) fn new(
        place: String,
        content: SplitContent,
        of_run: Option<&SplitContent>,
        named: bool,
    ) -> Self {
        let compared = match of_run {
            None => Compared::Unknown,
            Some(of_run) if *of_run == content => Compared::Same,
            Some(_) if named => Compared::Named,
            Some(_) => Compared::Changed,
        };
        let of_run = of_run.filter(|of_run| **of_run != content).cloned();
        Self {
            place,
            content,
            compared,
            of_run,
        }
    }
}

impl std::fmt::Display for ScoredSplit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (place, content) = (&self.place, &self.content);
        match &self.of_run {
            None if self.compared == Compared::Unknown => write!(
                f,
                "made by an earlier runner, which kept no fingerprints: whether {place} is still the run's test split \
                 cannot be told"
            ),
            None => write!(f, "{place} is the run's test split: {content}"),
            Some(of_run) => write!(
                f,
                "{place} is not the run's test split: {of_run} in the run, {content} now"
            ),
        }
    }
}

/// How a class fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassReport {
    /// The class's name.
    pub name: String,
    /// Samples of the class.
    pub samples: u64,
    /// The fraction of the class's samples that are classified correctly; none without samples.
    pub accuracy: Option<f64>,
}

impl Evaluation {
    /// Runs a network without autodiff on all that a loader has.
    ///
    /// # Errors
    ///
    /// [`RunnerError`](crate::RunnerError) from the loader or the network.
    pub fn run(network: &Network, loader: &SpikeLoader) -> Result<Self> {
        let whole = Self::run_until(network, loader, &AtomicBool::new(false))?;
        Ok(whole.unwrap_or_else(|| unreachable!("nothing stops it")))
    }

    /// As [`run`](Self::run), but nothing once `stop` is set.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_until(
        network: &Network,
        loader: &SpikeLoader,
        stop: &AtomicBool,
    ) -> Result<Option<Self>> {
        let begin = Instant::now();
        let mut totals = Totals::default();
        let classes = network.classes();
        let mut confusion = vec![vec![0; classes]; classes];
        for batch in loader.epoch(0) {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let forward = Forward::run(network, batch?, Penalties::default())?;
            totals.add(&Totals::of(&forward));
            for (&target, &predicted) in forward.targets.iter().zip(&forward.predicted) {
                confusion[target][predicted] += 1;
            }
        }
        Ok(Some(Self {
            totals,
            confusion,
            seconds: begin.elapsed().as_secs_f64(),
        }))
    }

    /// The report of an evaluation, with the names of data set, device and classes.
    pub fn report(
        &self,
        data: &str,
        class_names: &[String],
        device: &str,
        test_split: ScoredSplit,
    ) -> EvaluationReport {
        let class = |(row, name): (&Vec<u64>, &String), class: usize| {
            let samples: u64 = row.iter().sum();
            ClassReport {
                name: name.clone(),
                samples,
                accuracy: (samples > 0).then(|| row[class] as f64 / samples as f64),
            }
        };
        let rows = self.confusion.iter().zip(class_names).enumerate();
        EvaluationReport {
            data: data.to_string(),
            device: device.to_string(),
            test_split,
            samples: self.totals.samples,
            test_accuracy: self.totals.accuracy(),
            test_loss: self.totals.mean_loss(),
            hidden_spikes_per_sample: self.totals.hidden_spikes(),
            hidden_spikes_per_sample_by_layer: self.totals.hidden_spikes_by_layer(),
            classes: rows.map(|(index, row)| class(row, index)).collect(),
            confusion: self.confusion.clone(),
        }
    }
}

impl std::fmt::Display for EvaluationReport {
    /// A table with one line a class.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = shown(self.test_accuracy, 100.0, 2);
        writeln!(
            f,
            "test accuracy        {percent} % of {}",
            counted(self.samples, "sample")
        )?;
        writeln!(f, "test loss            {}", shown(self.test_loss, 1.0, 4))?;
        writeln!(
            f,
            "hidden spikes        {} a sample",
            shown(self.hidden_spikes_per_sample, 1.0, 2)
        )?;
        let width = self.classes.iter().map(|class| class.name.chars().count());
        let width = width.max().unwrap_or(0).max("class".len());
        let largest = self.confusion.iter().flatten().max().copied().unwrap_or(0);
        let columns = self.classes.len().saturating_sub(1);
        let cell = largest.to_string().len().max(columns.to_string().len()) + 1;
        writeln!(f)?;
        write!(f, "    {:width$}  accuracy  taken for class", "class")?;
        writeln!(f)?;
        write!(f, "    {:width$}          ", "")?;
        for column in 0..self.classes.len() {
            write!(f, "{column:>cell$}")?;
        }
        for (index, (class, row)) in self.classes.iter().zip(&self.confusion).enumerate() {
            writeln!(f)?;
            let accuracy = match class.accuracy {
                Some(accuracy) => format!("{:.2} %", 100.0 * accuracy),
                None => "–".to_string(),
            };
            write!(f, "{index:>3} {:width$}  {accuracy:>8}", class.name)?;
            for count in row {
                write!(f, "{count:>cell$}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_well() {
        let evaluation = Evaluation {
            totals: Totals {
                samples: 5,
                correct: 3,
                loss: 2.5,
                penalty: 0.0,
                spikes: vec![10],
            },
            confusion: vec![vec![2, 1, 0], vec![1, 1, 0], vec![0, 0, 0]],
            seconds: 1.0,
        };
        let names = ["cat", "dog", "unicorn"].map(str::to_string);
        let content = SplitContent {
            samples: 5,
            largest_unit: None,
            largest_label: Some(1),
            fingerprint: "0".to_string(),
        };
        let split = ScoredSplit::new("x".to_string(), content, None, false);
        let report = evaluation.report("x", &names, "cpu", split);
        assert_eq!(
            report.to_string(),
            "test accuracy        60.00 % of 5 samples\n\
             test loss            0.5000\n\
             hidden spikes        2.00 a sample\n\
             \n    class    accuracy  taken for class\n                      0 1 2\n  \
             0 cat       66.67 % 2 1 0\n  1 dog       50.00 % 1 1 0\n  2 unicorn         – 0 0 0"
        );
    }
}
