//! Spike encoders: from values or recordings to events, as plain functions over slices.

mod analogue;
mod events;
mod frames;
mod single_spike;
mod steps;

pub use analogue::{normalize_channels, repeat_in_time};
pub use events::EventBinning;
pub(crate) use events::check_recording;
pub use frames::Frames;
pub use single_spike::SingleSpike;
pub use steps::MAX_STEPS;
