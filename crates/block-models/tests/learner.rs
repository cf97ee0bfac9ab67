//! The example with Burn's `Learner` trains.

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
