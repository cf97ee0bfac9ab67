//! Opening data sets by name.

use std::collections::BTreeSet;
use std::path::Path;

use block_data::augment::Augmentation;
use block_data::{
    DATA_SETS, DataSource, Input, Locations, Samples, YinYang, has_augmentation, open,
};
use burn_dataset::Dataset;

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
        assert!(has_augmentation(name));
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
    assert!(!has_augmentation("yin-yang"));
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = open("fashon-mnist", &nowhere()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown data set \"fashon-mnist\": the known ones are fashion-mnist, mnist, yin-yang"
    );
    assert_eq!(DATA_SETS.len(), 3);
}

#[test]
fn a_missing_set_says_where_it_was_looked_for_and_how_to_get_it() {
    let files = "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, \
                 t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz";
    assert_eq!(
        open("fashion-mnist", &nowhere()).unwrap_err().to_string(),
        format!(
            "data set fashion-mnist is missing: looked in /nowhere/data/fashion-mnist (no such \
             folder), in /no/fashion-mnist (no such folder); `apt-get install \
             dataset-fashion-mnist`, or put {files} into data/fashion-mnist"
        )
    );
    let root = tempfile::tempdir().unwrap();
    let place = root.path().join("fashion-mnist").display().to_string();
    assert_eq!(
        open("fashion-mnist", &at(root.path()))
            .unwrap_err()
            .to_string(),
        format!(
            "data set fashion-mnist is missing: looked in {place} (no such folder); put {files} \
             into {place}, or `apt-get install dataset-fashion-mnist` and name no data folder"
        )
    );
    let error = open("mnist", &nowhere()).unwrap_err().to_string();
    assert!(
        error.ends_with(&format!("; put {files} into data/mnist")),
        "{error}"
    );
}

fn indices(samples: &Samples) -> Vec<usize> {
    (0..samples.len())
        .map(|i| samples.get(i).unwrap().index)
        .collect()
}

#[test]
fn validation_is_held_out_of_the_training_split() {
    let source = DataSource::yin_yang(YinYang::new(100, 1), YinYang::new(10, 2));
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
