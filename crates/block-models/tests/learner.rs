//! Burn's `Learner`: the example trains, and the accuracy is the network's own.

use block_core::LayerInput;
use block_models::{NetworkConfig, ReadoutReduction, Shape};
use burn::module::Param;
use burn::tensor::{Device, Int, Tensor};
use burn::train::InferenceStep;

#[path = "../examples/learner.rs"]
#[allow(dead_code, reason = "the example's main is not called")]
mod learner;

#[test]
fn burns_learner_trains_a_network() {
    let folder = std::env::temp_dir().join(format!("block-learner-{}", std::process::id()));
    let accuracy = learner::train(10, &folder).unwrap();
    println!("learner: Yin-Yang after ten epochs: test accuracy {accuracy:.4}");
    assert!(accuracy > 0.8, "{accuracy}");
    assert!(folder.join("experiment.log").exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// All classes fire at the same step: the one with the highest potential is the answer, and not the first.
#[test]
fn burns_accuracy_follows_the_rule_of_ties() {
    let device = Device::flex().autodiff();
    let config = NetworkConfig {
        readout: ReadoutReduction::TimeToFirstSpike,
        ..NetworkConfig::of([2])
    };
    let mut network = config.init(Shape::Units(3), 3, &device).unwrap();
    network.readout.linear.weight = Param::from_tensor(Tensor::zeros([2, 3], &device));
    let bias = Tensor::from_floats([0.75, 1.25, 0.875], &device);
    network.readout.linear.bias = Some(Param::from_tensor(bias));
    network.readout.beta = Param::from_tensor(Tensor::ones([3], &device));
    let input = || LayerInput::from(Tensor::<3>::zeros([1, 8, 3], &device));
    // At step 0 the second alone, else at step 1 with 1.5 and 1.75.
    for (late, answer) in [(false, 1), (true, 2)] {
        if late {
            let bias = Tensor::from_floats([0.75, 0.125, 0.875], &device);
            network.readout.linear.bias = Some(Param::from_tensor(bias));
        }
        let output = network.forward(&input()).unwrap();
        assert_eq!(output.answers(), [answer]);
        let classes = Tensor::<1, Int>::from_data([answer as i64], &device);
        let found = InferenceStep::step(&network, (input(), classes.clone()));
        let best = found.output.argmax(1).into_data().iter::<i64>().next();
        assert_eq!(best, Some(answer as i64));
        let loss = output.cross_entropy(classes).into_scalar::<f32>();
        assert_eq!(found.loss.into_scalar::<f32>(), loss);
    }
}
