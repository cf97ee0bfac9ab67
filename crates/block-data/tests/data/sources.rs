//! Opening data sets by name.

use std::collections::BTreeSet;
use std::path::Path;

use block_data::augment::Augmentation;
use block_data::{DATA_SETS, DataSet, Input, Locations, Samples, YinYang, open};
use burn_dataset::Dataset;
use rand::SeedableRng;

use crate::files;

fn at(folder: &Path) -> Locations {
    Locations::from_parts(
        Some(folder.to_path_buf()),
        None,
        Path::new("/nowhere"),
        Path::new("/no"),
    )
}

fn nowhere() -> Locations {
    Locations::from_parts(None, None, Path::new("/nowhere"), Path::new("/no"))
}

#[test]
fn a_set_of_images() {
    let root = tempfile::tempdir().unwrap();
    for name in ["fashion-mnist", "mnist"] {
        files::data_set(root.path(), name, 12, 3);
        let source = open(name, &at(root.path())).unwrap();
        assert_eq!(source.name(), name);
        assert_eq!(source.folder(), Some(&*root.path().join(name)));
        assert_eq!((source.units(), source.classes()), (784, 10));
        assert_eq!(
            (source.class_names().len(), source.input_shape()),
            (10, &[1, 28, 28][..])
        );
        assert_eq!((source.train().len(), source.test().len()), (12, 3));
        assert!(matches!(
            source.augmentation(),
            Some(Augmentation::Image(_))
        ));
        let sample = source.train().get(11).unwrap();
        assert_eq!((sample.index, sample.label), (11, 1));
        assert_eq!(sample.input, Input::Values(vec![11.0_f32 / 255.0; 784]));
    }
}

#[test]
fn yin_yang_needs_no_files() {
    let source = open("yin-yang", &nowhere()).unwrap();
    assert_eq!(
        (source.units(), source.classes(), source.input_shape()),
        (4, 3, &[4][..])
    );
    assert_eq!(
        (source.train().len(), source.test().len()),
        (20_000, 10_000)
    );
    assert!(source.augmentation().is_none() && source.folder().is_none());
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = open("fashon-mnist", &nowhere()).unwrap_err();
    let names: Vec<_> = DATA_SETS.iter().map(|set| set.name).collect();
    let names = names.join(", ");
    let expected = format!("unknown data set \"fashon-mnist\": the known ones are {names}");
    assert_eq!(error.to_string(), expected);
    for name in [
        "cifar-10",
        "fashion-mnist",
        "mnist",
        "n-mnist",
        "shd",
        "ssc",
        "synthetic",
        "yin-yang",
    ] {
        assert!(DataSet::named(name).is_some(), "{name}");
    }
    assert!(DATA_SETS.iter().map(|set| set.name).is_sorted());
    assert!(
        DATA_SETS
            .iter()
            .all(|set| std::ptr::eq(DataSet::named(set.name).unwrap(), set))
    );
}

#[test]
fn a_missing_set_says_where_it_was_looked_for_and_how_to_get_it() {
    let files = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, \
                 t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz";
    assert_eq!(
        open("fashion-mnist", &nowhere()).unwrap_err().to_string(),
        format!(
            "data set fashion-mnist is missing: looked in /nowhere/data/fashion-mnist (no such \
             folder), in /no/fashion-mnist (no such folder); put {files} into \
             /nowhere/data/fashion-mnist"
        )
    );
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("shd").display().to_string();
    assert_eq!(
        open("shd", &at(root.path())).unwrap_err().to_string(),
        format!(
            "data set shd is missing: looked in {place} (no such folder); put \
             shd_train.h5.gz, shd_test.h5.gz into {place}"
        )
    );
}

#[test]
fn cifar_10() {
    let root = tempfile::tempdir().unwrap();
    let batch = |name: &str, labels: &[u8]| {
        let record = |&label: &u8| [vec![label], vec![10 * label; 3072]].concat();
        let bytes: Vec<u8> = labels.iter().flat_map(record).collect();
        files::write(&root.path().join("cifar-10"), name, &bytes);
    };
    for number in 1..=5 {
        batch(&format!("data_batch_{number}.bin"), &[number, 9]);
    }
    batch("test_batch.bin", &[0, 1, 2]);
    let unpacked = root.path().join("cifar-10/cifar-10-batches-bin");
    let source = open("cifar-10", &at(root.path())).unwrap();
    assert_eq!(source.folder(), unpacked.parent());
    // As the publisher's archive unpacks.
    std::fs::create_dir(&unpacked).unwrap();
    for number in 1..=5 {
        let name = format!("data_batch_{number}.bin");
        std::fs::rename(unpacked.with_file_name(&name), unpacked.join(name)).unwrap();
    }
    let text = open("cifar-10", &at(root.path())).unwrap_err().to_string();
    assert!(text.contains("(no data_batch_1.bin, "), "{text}");
    let name = "test_batch.bin";
    std::fs::rename(unpacked.with_file_name(name), unpacked.join(name)).unwrap();
    let source = open("cifar-10", &at(root.path())).unwrap();
    assert_eq!(source.folder(), Some(&*unpacked));
    assert_eq!(source.input_shape(), [3, 32, 32]);
    assert_eq!((source.train().len(), source.test().len()), (10, 3));
    assert_eq!(source.class_names()[2], "bird");
    let sample = source.train().get(4).unwrap();
    assert_eq!(sample.label, 3);
    assert_eq!(sample.input, Input::Values(vec![30.0_f32 / 255.0; 3072]));
    let mut input = sample.input;
    let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
    source
        .augmentation()
        .unwrap()
        .apply(&mut input, &mut rng)
        .unwrap();
    let Input::Values(values) = input else {
        panic!("an image has values");
    };
    // All channels move alike.
    assert_eq!(values[..1024], values[1024..2048]);
    assert!(values.contains(&0.0) && values.contains(&(30.0_f32 / 255.0)));
}

#[test]
fn synthetic_spikes_need_no_files() {
    let source = open("synthetic", &nowhere()).unwrap();
    assert_eq!((source.units(), source.classes()), (1000, 10));
    assert_eq!((source.train().len(), source.test().len()), (1408, 128));
    assert_ne!(
        source.train().get(0).unwrap().input,
        source.test().get(0).unwrap().input
    );
}

fn indices(samples: &Samples) -> Vec<usize> {
    (0..samples.len())
        .map(|i| samples.get(i).unwrap().index)
        .collect()
}

#[test]
fn validation_is_held_out_of_the_training_split() {
    let splits = YinYang::splits(YinYang::new(100, 1), YinYang::new(10, 2));
    let source = DataSet::named("yin-yang").unwrap().with_splits(splits);
    let (train, validation) = source.split_validation(0.1, 3).unwrap();
    assert_eq!((train.len(), validation.len()), (90, 10));
    let (mut all, held_out) = (indices(&train), indices(&validation));
    assert!(all.is_sorted() && held_out.is_sorted());
    all.extend(&held_out);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 100);
    let again = source.split_validation(0.1, 3).unwrap().1;
    assert_eq!(indices(&again), held_out);
    let other = source.split_validation(0.1, 4).unwrap().1;
    assert_ne!(indices(&other), held_out);

    for bad in [0.0, 0.001, 1.0, 0.999, -0.5, f64::NAN] {
        let text = source.split_validation(bad, 0).err().unwrap().to_string();
        assert_eq!(
            text,
            format!(
                "the validation fraction is {bad}, expected between 0 and 1, leaving at least \
                 one of 100 samples for training and for validation"
            )
        );
    }
}
