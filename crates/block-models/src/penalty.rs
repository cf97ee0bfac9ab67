//! What is added to a loss for the spikes and the silence of hidden neurons.

use burn::tensor::Tensor;

use crate::Firing;

/// Penalties that are added to a loss, 0 by default. They need the spikes and potentials of every hidden layer, so that
/// no layer is fused with the readout: see [`Network::layered`](crate::Network::layered).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Penalties {
    /// λ of hidden spikes: the loss grows by λ times the mean number of a sample's hidden spikes.
    pub spikes: f64,
    /// λ of silence: the loss grows by λ times the mean of (1 − max V\[t\])² over all samples and those hidden neurons
    /// that fire on no sample of the batch, with the highest potential V over time. It moves silent neurons to the
    /// threshold.
    pub silence: f64,
}

impl Penalties {
    /// Whether both penalties are 0, so that the loss stays as it is.
    pub fn are_zero(self) -> bool {
        self.spikes == 0.0 && self.silence == 0.0
    }

    /// What the loss of a batch grows by for what hidden layers did, `[1]`, differentiable; `None` without a penalty or a layer.
    pub fn of(self, hidden: &[Firing]) -> Option<Tensor<1>> {
        let spikes = (self.spikes != 0.0).then(|| mean_spikes(hidden)).flatten();
        let silence = (self.silence != 0.0).then(|| mean_gap(hidden)).flatten();
        let spikes = spikes.map(|spikes| spikes * self.spikes);
        let silence = silence.map(|silence| silence * self.silence);
        spikes
            .into_iter()
            .chain(silence)
            .reduce(|all, one| all + one)
    }
}

/// The mean number of a sample's spikes, `[1]`.
fn mean_spikes(hidden: &[Firing]) -> Option<Tensor<1>> {
    let layers = hidden.iter().map(|firing| {
        let [batch, _, _] = firing.activity.shape();
        // Burn's gradient of a division by a number is rounded to float32.
        firing.activity.total() * (1.0 / batch as f64)
    });
    layers.reduce(|all, one| all + one)
}

/// The mean of (1 − max V)² over samples and silent neurons, `[1]`; 0 if all fire.
fn mean_gap(hidden: &[Firing]) -> Option<Tensor<1>> {
    let layers = hidden.iter().map(|firing| {
        let highest = firing.activity.membrane().max_dim(1).squeeze_dim::<2>(1);
        let [batch, neurons] = highest.dims();
        let fires = firing.activity.counts().sum_dim(0).greater_elem(0);
        // Not below 0: a potential above the threshold is a spike.
        let gap = (-highest + 1.0).powi_scalar(2);
        let silent = fires.clone().bool_not().int().sum() * batch as i64;
        let gap = gap.mask_fill(fires.expand([batch, neurons]), 0.0).sum();
        (gap, silent)
    });
    let (gap, silent) =
        layers.reduce(|(gap, silent), (more, number)| (gap + more, silent + number))?;
    let number = silent.clamp_min(1).float().cast(gap.dtype());
    Some(gap / number)
}
