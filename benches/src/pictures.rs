//! The paper's convolutional networks.

use block_core::Surrogate;
use block_models::{
    BetaConfig, ConvConfig, ConvInit, FlattenConfig, LayerConfig, LinearConfig, NetworkConfig,
    PoolConfig, PoolReduction,
};

/// MNIST's, as in `configs/conv/mnist.toml`.
pub(crate) fn mnist() -> NetworkConfig {
    let conv = |channels| {
        LayerConfig::from(ConvConfig {
            padding: 2,
            init: ConvInit::Kernel,
            ..ConvConfig::new(channels, 5)
        })
    };
    let (flatten, linear) = (FlattenConfig {}.into(), LinearConfig::new(1000).into());
    NetworkConfig {
        beta: BetaConfig {
            hidden: 1.0,
            readout: 1.0,
            ..BetaConfig::default()
        },
        layers: Some(vec![conv(32), pool(), conv(64), pool(), flatten, linear]),
        ..NetworkConfig::default()
    }
}

/// CIFAR-10's, as in `configs/conv/cifar10-vgg.toml`.
pub(crate) fn vgg() -> NetworkConfig {
    let conv = |channels| ConvConfig {
        padding: 1,
        init_scale: Some(4.0),
        surrogate: Some(Surrogate::FastSigmoid { scale: 1.0 }),
        ..ConvConfig::new(channels, 3)
    };
    let linear = |neurons| {
        LayerConfig::from(LinearConfig {
            init_scale: Some(2.0),
            ..LinearConfig::new(neurons)
        })
    };
    let first = ConvConfig {
        init: ConvInit::GlorotNormal,
        init_scale: None,
        ..conv(128)
    };
    let mut layers = vec![first.into(), pool()];
    layers.extend([conv(256).into(), conv(256).into(), pool()]);
    layers.extend([conv(512).into(), conv(512).into(), pool()]);
    layers.extend([FlattenConfig {}.into(), linear(2048), linear(1000)]);
    NetworkConfig {
        beta: BetaConfig {
            hidden: 1.0,
            readout: 1.0,
            per_neuron: false,
            trained: false,
        },
        readout_init_scale: 2.0,
        layers: Some(layers),
        ..NetworkConfig::default()
    }
}

/// The maximum of 2 × 2.
fn pool() -> LayerConfig {
    LayerConfig::from(PoolConfig {
        reduction: PoolReduction::Max,
        window: 2,
        stride: None,
    })
}
