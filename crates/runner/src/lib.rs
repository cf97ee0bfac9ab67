//! Trains and evaluates networks of single-spike neurons as a TOML config says.
//!
//! [`Config`] is what a user writes, [`Plan`] the same with its data found and everything checked,
//! [`RunFolder`] where a run is kept, and [`Trainer`] does the work. Nothing here prints: the
//! command line, [`cli`] with its [`progress`], does.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! use block_core::device;
//! use runner::{Config, Plan, RunFolder, Trainer, progress::Progress};
//!
//! let config = Config::load(Path::new("configs/yinyang.toml"), &["train.epochs=3".to_string()])?;
//! let device = device::select("cpu")?;
//! let plan = Plan::prepare(config)?;
//! let network = plan.init_network(&device.device.clone().autodiff())?;
//! let folder = RunFolder::create(Path::new("runs/mine"))?;
//! let trainer = Trainer::start(&plan, &device, &folder, network)?;
//! let trained = trainer.run(&AtomicBool::new(false), &mut Progress::new())?;
//! println!("the best epoch was {}", trained.best_epoch);
//! # Ok::<(), runner::RunnerError>(())
//! ```

mod best_model;
mod checkpoint;
pub mod cli;
mod clock;
mod config;
mod data;
mod doubts;
mod environment;
mod error;
mod evaluate;
pub mod files;
mod finite;
mod identity;
mod integrity;
mod legacy;
mod logs;
mod memory;
mod metrics;
mod plan;
mod position;
pub mod progress;
mod room;
mod run_folder;
pub mod signals;
mod splits;
mod step;
mod summary;
mod train;
mod weights;

#[cfg(feature = "cuda")]
use burn_cuda as _;

pub use best_model::BestModel;
pub use checkpoint::read_checkpoint;
pub use config::{Code, Config, DataConfig, EncodeConfig, Key, TrainConfig, Validation, keys};
pub use environment::{Change, Environment, Resumption};
pub use error::{Difference, Result, RunnerError, Shortage};
pub use evaluate::{ClassReport, Compared, Evaluation, EvaluationReport, ScoredSplit};
pub use identity::{Accept, RunData, SplitContent};
pub use memory::Work;
pub use metrics::{BatchRecord, EpochRecord, Totals};
pub use plan::Plan;
pub use room::{available_memory_bytes, peak_memory_bytes};
pub use run_folder::RunFolder;
pub use splits::{Split, Surveys};
pub use summary::Summary;
pub use train::{Observer, Trained, Trainer};
