//! The data sets table, and figure 4 a to c.

use anyhow::Result;

use crate::draw::charts::{self, Group};
use crate::experiment::{BLOCK, Experiment, MULTI, Places, SINGLE};
use crate::numbers;
use crate::page::content::{Figure, Section, Table};
use crate::prose::paragraphs;
use crate::runs::results::{self, Finished, Model};
use crate::statistics::Spread;
use crate::words::{data_title, machine, model_title};

const KINDS: [&str; 2] = ["the paper's", "here"];
const ABSENT: &str = "–";

/// The part of the report.
pub(crate) fn section(places: &Places) -> Result<Section> {
    let models = results::models(places, Experiment::DataSets)?;
    let comparisons: Vec<Compared> = Experiment::DataSets
        .data()
        .iter()
        .map(|data| Compared::of(data, &models))
        .collect();
    let tables = vec![
        compared_table(&comparisons),
        table(
            "Accuracy on the test split, %",
            &models,
            2,
            accuracy,
            |paper| Some(paper.accuracy),
        ),
        table("Hidden spikes a test sample", &models, 1, spikes, |paper| {
            Some(paper.spikes)
        }),
        seconds_table(&models),
        results::made_with(&models),
        results::missing(&models),
    ];
    Ok(Section {
        name: Experiment::DataSets.name().to_string(),
        title: "Data sets: the block model against the standard ones (figure 4 a to c)".to_string(),
        paragraphs: paragraphs(include_str!("../../prose/datasets.md")),
        figures: vec![
            figure(
                "accuracy",
                "Accuracy lost by the block model, relative to the standard multi-spike model, %",
                "accuracy lost, %",
                0.0,
                &comparisons,
                |compared| compared.accuracy,
            )?,
            figure(
                "speedup",
                "Seconds an epoch of the standard single-spike model over those of the block model",
                "speedup of an epoch",
                1.0,
                &comparisons,
                |compared| compared.speedup,
            )?,
            figure(
                "spikes",
                "Hidden spikes saved by the block model, relative to the standard multi-spike model, %",
                "spikes saved, %",
                0.0,
                &comparisons,
                |compared| compared.spikes,
            )?,
        ],
        tables,
    })
}

fn accuracy(run: &Finished) -> Option<f64> {
    Some(100.0 * run.summary.test_accuracy?)
}

fn spikes(run: &Finished) -> Option<f64> {
    run.summary.hidden_spikes_per_sample
}

fn seconds(run: &Finished) -> Option<f64> {
    run.summary.seconds_per_epoch
}

/// A number of the figure: the paper's and ours.
#[derive(Clone, Copy)]
struct Pair {
    paper: Option<Spread>,
    here: Option<Spread>,
}

/// A data set in the figure.
struct Compared {
    data: &'static str,
    /// The epochs of runs that were cut short, `1 of 200`.
    short: Option<String>,
    /// The same of the standard single-spike model, which is timed.
    single: Option<String>,
    accuracy: Pair,
    speedup: Pair,
    spikes: Pair,
}

impl Compared {
    fn of(data: &'static str, models: &[Model]) -> Self {
        let here = |formulation: &str| {
            let mut found = models.iter();
            found.find(|model| model.data == data && model.formulation == formulation)
        };
        let (block, multi, single) = (here(BLOCK), here(MULTI), here(SINGLE));
        let less = |of: fn(&Finished) -> Option<f64>| {
            let (block, multi) = same_epochs(block, multi)?;
            Some(saved(block.spread(of)?, multi.spread(of)?))
        };
        let faster = || {
            // An epoch takes as long in a short run, but for the first.
            let (block, single) = (block?, single?);
            let same = single.machine()?;
            let there = |model: &Model| {
                let runs = model
                    .runs
                    .iter()
                    .filter(|run| run.summary.epochs > 1 && machine(&run.environment) == same);
                Spread::of(runs.filter_map(seconds))
            };
            Some(there(single)?.over(&there(block)?))
        };
        let cut = |model: Option<&Model>| {
            let model = model.filter(|model| model.is_short() && !model.runs.is_empty())?;
            Some(format!("{} of {}", model.epochs_run(), model.epochs))
        };
        // The figure's numbers are the paper's; their deviations follow from its table.
        let published = numbers::comparison(data);
        let [of_block, of_multi] = [BLOCK, MULTI].map(|name| numbers::model(data, name));
        let spread = |mean: f64, part: fn(&numbers::Model) -> Spread| {
            let (block, multi) = (of_block.as_ref()?, of_multi.as_ref()?);
            Some(Spread {
                mean,
                ..saved(part(block), part(multi))
            })
        };
        let published = published.as_ref();
        Self {
            data,
            short: cut(block),
            single: cut(single),
            accuracy: Pair {
                paper: published.and_then(|figure| spread(figure.accuracy, |model| model.accuracy)),
                here: less(accuracy),
            },
            speedup: Pair {
                paper: published.and_then(|figure| Spread::of([figure.speedup])),
                here: faster(),
            },
            spikes: Pair {
                paper: published.and_then(|figure| spread(figure.spikes, |model| model.spikes)),
                here: less(spikes),
            },
        }
    }
}

/// What one has less than the other, %.
fn saved(one: Spread, other: Spread) -> Spread {
    let part = one.over(&other);
    Spread {
        mean: 100.0 * (1.0 - part.mean),
        deviation: 100.0 * part.deviation,
        ..part
    }
}

/// Both, where both were run for as many epochs.
fn same_epochs<'a>(
    one: Option<&'a Model>,
    other: Option<&'a Model>,
) -> Option<(&'a Model, &'a Model)> {
    let (one, other) = (one?, other?);
    (one.epochs_run() == other.epochs_run() && !one.runs.is_empty()).then_some((one, other))
}

fn figure(
    name: &'static str,
    caption: &str,
    axis: &str,
    line: f64,
    comparisons: &[Compared],
    of: fn(&Compared) -> Pair,
) -> Result<Figure> {
    let shown = comparisons
        .iter()
        .filter(|compared| of(compared).paper.or(of(compared).here).is_some());
    let mut alt = format!("{caption}, as bars.");
    let (mut groups, mut cut) = (Vec::new(), String::new());
    for compared in shown {
        let Pair { paper, here } = of(compared);
        let title = data_title(compared.data);
        let text =
            |spread: Option<Spread>| spread.map_or("none".to_string(), |spread| spread.text(2));
        alt += &format!(
            " {title}: the paper's {}, here {}.",
            text(paper),
            text(here)
        );
        let bar = |spread: Option<Spread>| {
            let deviation = |spread: &Spread| {
                if spread.number > 1 {
                    spread.deviation
                } else {
                    0.0
                }
            };
            spread.map(|spread| (spread.mean, deviation(&spread)))
        };
        groups.push(Group {
            // The width of a group holds a short name.
            label: title
                .replace("Fashion-MNIST", "F-MNIST")
                .replace("spoken digits (FSDD)", "FSDD"),
            bars: vec![bar(paper), bar(here)],
        });
        if let Some(short) = &compared.short {
            cut += &format!(" {title}: a look, {short} epochs.");
        }
        if let (Some(short), "speedup", Some(_)) = (&compared.single, name, here) {
            cut += &format!(" {title}: the standard model for {short} epochs.");
        }
    }
    Ok(Figure {
        name,
        svg: charts::bars(axis, &KINDS, &groups, line)?,
        alt,
        caption: format!(
            "{caption}. Bars: standard deviations, from those of both models; a missing bar was not run here.{cut}"
        ),
    })
}

fn distance(here: Option<Spread>, paper: Option<Spread>) -> String {
    let distance = here
        .zip(paper)
        .and_then(|(here, paper)| here.distance(&paper));
    distance.map_or(ABSENT.to_string(), |distance| format!("{distance:+.1}"))
}

fn text(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or(ABSENT.to_string(), |spread| spread.text(decimals))
}

fn compared_table(comparisons: &[Compared]) -> Table {
    let columns = |Pair { paper, here }: Pair, decimals| {
        [
            text(here, decimals),
            text(paper, decimals),
            distance(here, paper),
        ]
    };
    let rows = comparisons.iter().map(|compared| {
        let mut row = vec![data_title(compared.data).to_string()];
        row.extend(columns(compared.accuracy, 2));
        row.extend(columns(compared.speedup, 2).into_iter().take(2));
        row.extend(columns(compared.spikes, 1));
        if let Some(short) = &compared.short {
            row[0] += &format!(" ({short} epochs)");
            row[3] = ABSENT.to_string();
            row[8] = ABSENT.to_string();
        }
        row
    });
    Table {
        caption: format!(
            "Figure 4 a to c in numbers; {ABSENT} where a model was not run here or is not in the paper. Differences \
             in standard deviations"
        ),
        header: [
            "data set",
            "accuracy lost, %",
            "paper",
            "difference",
            "speedup",
            "paper",
            "spikes saved, %",
            "paper",
            "difference",
        ]
        .map(String::from)
        .into(),
        rows: rows.collect(),
    }
}

fn table(
    caption: &str,
    models: &[Model],
    decimals: usize,
    of: fn(&Finished) -> Option<f64>,
    of_paper: fn(&numbers::Model) -> Option<Spread>,
) -> Table {
    let rows = models.iter().map(|model| {
        let here = model.spread(of);
        let paper = numbers::model(model.data, model.formulation);
        let paper = paper.as_ref().and_then(of_paper);
        vec![
            data_title(model.data).to_string(),
            model_title(model.formulation).to_string(),
            here.map_or("not run here".to_string(), |here| here.text(decimals)),
            text(paper, decimals),
            match model.is_short() {
                true => ABSENT.to_string(),
                false => distance(here, paper),
            },
            here.map_or(ABSENT.to_string(), |_| model.extent()),
        ]
    });
    Table {
        caption: caption.to_string(),
        header: [
            "data set",
            "model",
            "here",
            "paper",
            "difference, s.d.",
            "runs here",
        ]
        .map(String::from)
        .into(),
        rows: rows.collect(),
    }
}

/// A row for each machine: seconds of different ones have no mean.
fn seconds_table(models: &[Model]) -> Table {
    let mut rows = Vec::new();
    for model in models {
        let mut machines: Vec<String> = Vec::new();
        for run in &model.runs {
            let name = machine(&run.environment);
            if !machines.contains(&name) {
                machines.push(name);
            }
        }
        let paper = numbers::model(model.data, model.formulation);
        let mut row = |here: String, runs: String, machine: String| {
            let paper = paper.as_ref().map(|paper| format!("{:.2}", paper.seconds));
            rows.push(vec![
                data_title(model.data).to_string(),
                model_title(model.formulation).to_string(),
                here,
                paper.unwrap_or(ABSENT.to_string()),
                runs,
                machine,
            ]);
        };
        for name in &machines {
            let runs = model.runs.iter();
            let there = || {
                runs.clone()
                    .filter(|run| machine(&run.environment) == *name)
            };
            let seeds: Vec<String> = there().map(|run| run.seed.to_string()).collect();
            let mut seeds = seeds.join(", ");
            if model.is_short() {
                seeds += &format!(" ({} of {} epochs)", model.epochs_run(), model.epochs);
            }
            let mean = Spread::of(there().filter_map(seconds));
            row(text(mean, 2), seeds, name.clone());
        }
        if machines.is_empty() {
            row("not run here".into(), ABSENT.into(), ABSENT.into());
        }
    }
    Table {
        caption: "Seconds an epoch: the median of a run's training passes, loader included, the first left out; then the \
                  mean over runs. The paper's on its GPU"
            .to_string(),
        header: ["data set", "model", "here", "paper", "seeds", "device here"]
            .map(String::from)
            .into(),
        rows,
    }
}
