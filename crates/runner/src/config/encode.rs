use block_data::{DataSet, EVENTS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use super::tree::Tree;
use crate::error::Result;

/// What values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// One spike each, the earlier, the larger the value is.
    SingleSpike,
    /// Themselves, the same at every time step.
    Frames,
}

/// `[encode]`: how samples enter the network.
#[derive(Debug, Clone, PartialEq, SmartDefault, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncodeConfig {
    /// Time steps of a sample. Default: 100 for values, for recordings as many as is usual for the data set.
    #[default(100)]
    #[schemars(range(min = 1, max = 16_777_216), extend("x-default" = "the data set's"))]
    pub steps: usize,
    /// The length of a time step in milliseconds, which only recordings have.
    #[schemars(extend("exclusiveMinimum" = 0, "x-default" = "the data set's"))]
    pub dt: Option<f64>,
    /// What values become: one spike each, the earlier, the larger the value is ("single-spike"), or themselves at
    /// every time step, normalised as is usual for the data set ("frames"). Default: "single-spike"; recordings
    /// have none.
    pub code: Option<Code>,
}

impl EncodeConfig {
    /// Fills in what is usual for the data set.
    pub(super) fn complete(tree: &mut Tree, data: &str) -> Result<()> {
        let usual = DataSet::named(data).and_then(|set| set.timing);
        let recordings = usual.is_some() || data == EVENTS;
        // Nobody but the user knows how long recordings of their own are.
        for key in ["encode.steps", "encode.dt"] {
            if data == EVENTS && tree.get(key).is_none() {
                return Err(tree.refuse(key, "a number, as these recordings have no usual one"));
            }
        }
        if !recordings && tree.get("encode.dt").is_some() {
            let expected = format!("no such key for {data}, which has values, not recordings");
            return Err(tree.refuse("encode.dt", &expected));
        }
        if recordings && tree.get("encode.code").is_some() {
            let expected = format!("no such key for {data}, which has recordings, not values");
            return Err(tree.refuse("encode.code", &expected));
        }
        if !recordings {
            tree.insert_default("encode.code", "single-spike");
        }
        if let Some(timing) = usual {
            tree.insert_default("encode.steps", timing.steps as i64);
            tree.insert_default("encode.dt", f64::from(timing.dt));
        }
        // The loader counts in float32, where the least numbers are 0.
        let dt = tree.get("encode.dt").and_then(toml::Value::as_float);
        if dt.is_some_and(|dt| dt as f32 <= 0.0) {
            return Err(tree.refuse("encode.dt", "a number above 0 in float32"));
        }
        Ok(())
    }
}
