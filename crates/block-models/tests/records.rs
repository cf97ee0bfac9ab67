//! What the parameters are called in a file, and that PyTorch's are turned the right way round.

use block_models::{Network, NetworkConfig, Shape};
use burn::module::Module;
use burn::tensor::Device;
use burn_store::{ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

fn network() -> Network {
    // A square layer, which would load without an error if it were not transposed.
    let config = NetworkConfig::of([4]);
    config.init(Shape::Units(4), 3, &Device::flex()).unwrap()
}

const NAMES: [&str; 6] = [
    "hidden.0.beta",
    "hidden.0.linear.bias",
    "hidden.0.linear.weight",
    "readout.beta",
    "readout.linear.bias",
    "readout.linear.weight",
];

#[test]
fn the_names_of_parameters_follow_the_layers() {
    let names = |mut store: SafetensorsStore| {
        network().save_into(&mut store).unwrap();
        let bytes = store.get_bytes().unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut names: Vec<_> = tensors.names().iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    let store = SafetensorsStore::from_bytes(None);
    assert_eq!(names(store.skip_enum_variants(true)), NAMES);
    let with_variants = names(SafetensorsStore::from_bytes(None));
    let expected = NAMES.map(|name| name.replace("hidden.0.", "hidden.0.Linear."));
    assert_eq!(with_variants, expected);
}

#[test]
fn burns_adapter_transposes_a_square_layer_of_pytorch() {
    let weights: Vec<f32> = (0..16_u8).map(f32::from).collect();
    let bytes = |values: &[f32]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> = vec![
        ("hidden.0.beta", vec![4], bytes(&[0.5; 4])),
        ("hidden.0.linear.bias", vec![4], bytes(&[0.0; 4])),
        ("hidden.0.linear.weight", vec![4, 4], bytes(&weights)),
        ("readout.beta", vec![3], bytes(&[0.5; 3])),
        ("readout.linear.bias", vec![3], bytes(&[0.0; 3])),
        ("readout.linear.weight", vec![3, 4], bytes(&weights[..12])),
    ];
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (*name, view)
    });
    let file = serialize(views, None).unwrap();
    let mut store = SafetensorsStore::from_bytes(Some(file))
        .skip_enum_variants(true)
        .with_from_adapter(PyTorchToBurnAdapter);
    let mut network = network();
    network.load_from(&mut store).unwrap();
    assert_eq!(network.num_params(), 4 * 4 + 4 + 4 + 4 * 3 + 3 + 3);

    let rows = |values: &[f32], outputs: usize| -> Vec<f32> {
        let at = |input: usize, output: usize| values[4 * output + input];
        let row = |input: usize| (0..outputs).map(move |output| (input, output));
        (0..4).flat_map(row).map(|(i, o)| at(i, o)).collect()
    };
    let hidden = network.hidden[0].fused().unwrap().linear.weight.val();
    let hidden: Vec<f32> = hidden.into_data().iter().collect();
    assert_eq!(hidden, rows(&weights, 4));
    let readout = network.readout.linear.weight.val().into_data();
    assert_eq!(
        readout.iter::<f32>().collect::<Vec<_>>(),
        rows(&weights[..12], 3)
    );
}
