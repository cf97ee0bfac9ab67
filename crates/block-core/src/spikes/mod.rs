//! What goes into a layer: dense spikes, events or both, and the conversions between them.

mod convert;
mod dense;
mod events;
mod host_events;
mod input;

pub use convert::{first_spike_steps, spike_counts};
pub use dense::DenseSpikes;
pub(crate) use dense::{Lazy, lazy};
pub(crate) use events::Form;
pub use events::{SpikeEvents, SpikeEventsBuilder};
pub(crate) use host_events::{CHUNK, HostEvents, Lists, Stretch};
pub use input::LayerInput;
