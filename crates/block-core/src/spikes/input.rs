//! What a layer receives.

use burn::tensor::{DType, Device, Tensor};

use super::{DenseSpikes, SpikeEvents};
use crate::SpikeError;
use crate::error::check_shape;

/// What goes into a layer.
///
/// Events make the forward pass cheap; the dense spikes receive a gradient. A hidden layer on the CPU hands both
/// to the next layer.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a few tensor handles a batch; a box would save nothing"
)]
pub enum LayerInput {
    /// `[batch, time, unit]`: spikes, spike counts or any analogue values.
    Dense(Tensor<3>),
    /// Events, which receive no gradient.
    Events(SpikeEvents),
    /// The same spikes in both forms; [`with_events`](Self::with_events) checks their shapes.
    Both {
        /// `[batch, time, unit]`.
        dense: DenseSpikes,
        /// The events of `dense`.
        events: SpikeEvents,
    },
}

impl From<Tensor<3>> for LayerInput {
    /// A dense input from a tensor `[batch, time, unit]`.
    fn from(dense: Tensor<3>) -> Self {
        Self::Dense(dense)
    }
}

impl From<SpikeEvents> for LayerInput {
    fn from(events: SpikeEvents) -> Self {
        Self::Events(events)
    }
}

impl LayerInput {
    /// Adds the events of the same spikes to dense ones.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the two differ in shape; that they hold the same spikes is not checked.
    pub fn with_events(self, events: SpikeEvents) -> Result<Self, SpikeError> {
        const NAME: &str = "LayerInput::with_events";
        let words = "(batch, time, unit)";
        check_shape(NAME, "events", &events.shape(), &self.shape(), words)?;
        Ok(match self {
            Self::Dense(dense) => Self::Both {
                dense: dense.into(),
                events,
            },
            Self::Both { dense, .. } => Self::Both { dense, events },
            Self::Events(_) => Self::Events(events),
        })
    }

    /// The numbers of samples, time steps and units: `[batch, time, unit]`.
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Self::Dense(dense) => dense.dims(),
            Self::Events(events) | Self::Both { events, .. } => events.shape(),
        }
    }

    /// The dense form, if there is one.
    pub fn dense(&self) -> Option<&Tensor<3>> {
        match self {
            Self::Dense(dense) => Some(dense),
            Self::Both { dense, .. } => Some(dense.values()),
            Self::Events(_) => None,
        }
    }

    /// The dense form, `[batch, time, unit]`. Events alone become dense on `device` in the element type `dtype`; a
    /// dense form that the input already has keeps its own device and type.
    pub fn to_dense(&self, device: &Device, dtype: DType) -> Tensor<3> {
        match self {
            Self::Dense(dense) => dense.clone(),
            Self::Both { dense, .. } => dense.values().clone(),
            Self::Events(events) => events.to_dense().to_device(device).cast(dtype),
        }
    }

    /// What receives the gradient of the spikes, for operations on events: only its shape and type count.
    pub(crate) fn carrier(&self) -> Option<&Tensor<3>> {
        match self {
            Self::Dense(dense) => Some(dense),
            Self::Both { dense, .. } => Some(dense.carrier()),
            Self::Events(_) => None,
        }
    }

    /// The element type of the dense form, if there is one.
    pub fn dtype(&self) -> Option<DType> {
        self.carrier().map(Tensor::dtype)
    }

    /// The device that the input lies on, or was built for.
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(dense) => dense.device(),
            Self::Both { dense, .. } => dense.carrier().device(),
            Self::Events(events) => events.device(),
        }
    }

    /// The events, if there are any.
    pub fn events(&self) -> Option<&SpikeEvents> {
        match self {
            Self::Events(events) | Self::Both { events, .. } => Some(events),
            Self::Dense(_) => None,
        }
    }

    /// The sum of two inputs, as a skip connection forms it. It is dense if one of them is, so that this one receives its
    /// gradient, and has events if both have.
    ///
    /// # Errors
    ///
    /// [`SpikeError`] if the shapes differ.
    pub fn add(&self, other: &Self) -> Result<Self, SpikeError> {
        const NAME: &str = "LayerInput::add";
        let words = "(batch, time, unit)";
        check_shape(NAME, "other", &other.shape(), &self.shape(), words)?;
        let events = self.events().zip(other.events());
        let events = events.map(|(a, b)| a.merge(b)).transpose()?;
        let dense = [self, other].into_iter().find_map(Self::carrier);
        let dense = dense.map(|dense| {
            let (device, dtype) = (dense.device(), dense.dtype());
            self.to_dense(&device, dtype) + other.to_dense(&device, dtype)
        });
        match (dense, events) {
            (Some(dense), Some(events)) => Self::Dense(dense).with_events(events),
            (Some(dense), None) => Ok(Self::Dense(dense)),
            (None, Some(events)) => Ok(Self::Events(events)),
            (None, None) => unreachable!("an input without a dense form has events"),
        }
    }
}
