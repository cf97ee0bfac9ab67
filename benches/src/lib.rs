//! Workloads with synthetic spikes, and what measures them.
//!
//! | workload | network | steps | input spikes |
//! |---|---|---|---|
//! | fmnist | 784-1000-10 | 100 | every input once, half of them at the last step |
//! | fmnist-firing | the same, with hidden weights so large that neurons fire as often as trained ones | 100 | as fmnist |
//! | shd | 700-300-20 | 500 | 2.3 % of all entries |
//! | yinyang | 4-120-3 | 100 | every input once |
//! | layer | 1000-100 | 32, 128, 512, 2048 | dense: Poisson(r/t) at every step, clipped to 1, r uniform from 0 to 200 |
//! | layer | 1000-1000 | 32, 128, 512 | the same |
//! | deep | 784-1000-1000-1000-10 | 100 | as fmnist |
//! | long | 784-1000-10 | 4096 | 40 an input, 0.98 % of all entries |
//! | conv | 28 × 28, 32 and 64 channels by 5 × 5 kernels, each with maximum pooling, 1000-10 | 8 | every input once, four fifths at the last step |
//! | vgg | 3 × 32 × 32, 128, 256, 256, 512 and 512 channels by 3 × 3 kernels, maximum pooling after the first, third and fifth, 2048-1000-10 | 4 | normalised images, the same at every step |
//!
//! A batch is 128 samples, of `conv` 64, and a dozen batches take turns (of `long` two; of `layer`, whose dense
//! inputs are large, there is one). A step of a network is forward and cross entropy, then backward and Adam; of
//! `layer` (the paper's speed benchmark: no readout) forward, then the backward pass of its summed spikes.
//!
//! [`Stack`] is the whole grid of the paper's speed benchmark: any batch, one layer or several, β trained or
//! not, and the step-by-step standard model beside the fused ones. `cargo xtask reproduce speedup` times it.
//!
//! A measurement's engine says what does the work. `fused`: the hidden layer and its readout run as one
//! operation (fmnist, shd, yinyang, long), or the scan as one kernel (layer). `events`: event-driven
//! kernels layer by layer; only the last layer is fused with the readout (deep, conv, vgg, whose first layer is dense). `loop`: plain tensor
//! operations, as convolutions or, for gemm, the matrix products alone. The engines are the same on a GPU:
//! there too a hidden layer and its readout are one operation; but convolutions are Burn's there.

mod dense;
mod kernels;
mod layer;
mod machine;
mod measure;
mod memory;
mod pictures;
mod products;
mod stack;
mod stopwatch;
mod training;
mod work;
mod workload;

pub use dense::{INPUTS, dense_spikes};
pub use kernels::Kernel;
pub use layer::Layer;
pub use machine::{additions_per_second, copy_bandwidth};
pub use measure::{Measurement, Method, commit, measure};
pub use products::Products;
pub use stack::{BetaKind, Pace, Stack};
pub use stopwatch::{Lap, Passes, median};
pub use training::Training;
pub use work::Work;
pub use workload::{BATCH, Sizes, Workload};
