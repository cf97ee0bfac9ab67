//! A golden file in one element type.

use block_models::{Formulation, ReadoutReduction};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use conformance::{Golden, swap_last};

pub(crate) struct Case<'a> {
    pub golden: &'a Golden,
    pub dtype: DType,
    pub tolerance: f64,
    pub device: Device,
}

impl Case<'_> {
    /// Whether float32 may rightly decide otherwise, because what the metadata names is that small.
    pub(crate) fn undecided(&self, gap: &str) -> bool {
        self.dtype == DType::F32 && self.golden.number(gap).is_some_and(|gap| gap < 1e-5)
    }

    /// Whether float32 may rightly take another step as the readout's maximum. An exact tie is decided.
    pub(crate) fn tied(&self) -> bool {
        let exact = self.golden.number("readout_gap") == Some(0.0);
        self.undecided("readout_gap") && !exact
    }

    /// The formulations of the file's model.
    pub(crate) fn formulations(&self) -> &'static [Formulation] {
        match self.golden.meta("formulation") {
            "block" => &[Formulation::Scan, Formulation::Convolution],
            "standard-single" => &[Formulation::StandardSingle],
            "standard-multi" => &[Formulation::StandardMulti],
            other => panic!("{}: formulation {other:?}", self.golden.name),
        }
    }

    pub(crate) fn readout(&self) -> ReadoutReduction {
        match self.golden.meta("readout_max") {
            "true" => ReadoutReduction::Max,
            _ => ReadoutReduction::Sum,
        }
    }

    pub(crate) fn size(&self, key: &str) -> usize {
        self.golden.number(key).unwrap() as usize
    }

    /// The mean cross entropy.
    pub(crate) fn loss(&self, logits: Tensor<2>) -> Tensor<1> {
        let target = self.golden.values("target").iter();
        let target: Vec<i64> = target.map(|&t| t as i64).collect();
        let len = target.len();
        let target = Tensor::<1, Int>::from_data(TensorData::new(target, [len]), &self.device);
        CrossEntropyLossConfig::new()
            .init(&self.device)
            .forward(logits, target)
    }

    pub(crate) fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.shaped(name, self.golden.shape(name).try_into().unwrap())
    }

    /// A tensor's values in another shape.
    pub(crate) fn shaped<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        let data = TensorData::new(self.golden.values(name).to_vec(), shape);
        Tensor::from_data(data, (&self.device, self.dtype))
    }

    /// A sequence as a layer takes it: `[batch, time, unit]`.
    pub(crate) fn sequence(&self, name: &str) -> Tensor<3> {
        let (shape, values) = self.in_time(name);
        Tensor::from_data(TensorData::new(values, shape), (&self.device, self.dtype))
    }

    /// The values of a sequence in the order of `[batch, time, unit]`.
    pub(crate) fn expected(&self, name: &str) -> Vec<f64> {
        self.in_time(name).1
    }

    /// The files have `[batch, unit, time]`, or `[batch, channel, time, row, column]`.
    fn in_time(&self, name: &str) -> ([usize; 3], Vec<f64>) {
        let (shape, values) = (self.golden.shape(name), self.golden.values(name));
        let &[batch, channels, steps, rows, columns] = shape else {
            return swap_last(shape, values);
        };
        let map = rows * columns;
        let mut out = Vec::with_capacity(values.len());
        for sample in 0..batch {
            for step in 0..steps {
                for channel in 0..channels {
                    let start = ((sample * channels + channel) * steps + step) * map;
                    out.extend(&values[start..start + map]);
                }
            }
        }
        ([batch, steps, channels * map], out)
    }
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().unwrap()
}
