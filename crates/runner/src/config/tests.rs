use super::*;

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, "a.toml", &[])
}

fn message(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<_> = overrides.iter().map(ToString::to_string).collect();
    let error = Config::parse(text, "a.toml", &overrides).unwrap_err();
    error.to_string()
}

#[test]
fn the_defaults_are_fashion_mnists() {
    let config = parse("").unwrap();
    assert_eq!(config.data.name, "fashion-mnist");
    assert!(config.data.augment);
    assert_eq!(config.model.hidden, [1000]);
    assert_eq!(config.train.milestones, [15, 90, 120]);
}

#[test]
fn a_resolved_config_makes_itself_again() {
    let text = "seed = 7\n[data]\nname = \"yin-yang\"\nvalidation = 0.25\ndir = \"/x\"\n\
                [model]\nhidden = [3, 3]\nskip = true\nreadout = \"max\"\n\
                formulation = \"standard-multi\"\n[train]\nlearning_rate = 2e-4\nmilestones = []";
    let config = parse(text).unwrap();
    assert!(!config.data.augment);
    assert_eq!(parse(&config.to_toml()).unwrap(), config);
    let defaults = parse("").unwrap();
    assert_eq!(parse(&defaults.to_toml()).unwrap(), defaults);
}

#[test]
fn overrides_win_and_may_be_bare_words() {
    let overrides = ["data.name=mnist", "train.epochs = 3", "model.hidden=[5]"];
    let overrides = overrides.map(str::to_string);
    let config = Config::parse("train.epochs = 9", "a.toml", &overrides).unwrap();
    assert_eq!(config.data.name, "mnist");
    assert_eq!(config.train.epochs, 3);
    assert_eq!(config.model.hidden, [5]);
}

#[test]
fn the_folder_of_data_sets_becomes_absolute() {
    let working = std::env::current_dir().unwrap();
    let expected = working.join("sets").to_str().unwrap().to_string();
    let file = parse("[data]\ndir = \"sets\"").unwrap();
    assert_eq!(file.data.dir.as_ref(), Some(&expected));
    let set = Config::parse("", "a.toml", &["data.dir=./sets".to_string()]).unwrap();
    assert_eq!(set.data.dir, Some(expected));
    let message = message("", &["data.dir="]);
    assert!(
        message.contains("`data.dir` is \"\" (string), expected a folder"),
        "{message}"
    );
}

#[test]
fn unknown_keys_name_the_nearest() {
    let expect = |text, key, nearest| {
        let expected = format!("a.toml: unknown key `{key}`; the nearest known key is `{nearest}`");
        assert_eq!(message(text, &[]), expected);
    };
    expect("[train]\nepoch = 3", "train.epoch", "train.epochs");
    expect("lerning_rate = 3", "lerning_rate", "train.learning_rate");
    expect("[modle]\nhidden = [3]", "modle", "model");
    expect("[model.betta]", "model.betta", "model.beta");
}

#[test]
fn wrong_types_and_ranges_name_key_and_place() {
    assert_eq!(
        message("[train]\nepochs = \"ten\"", &[]),
        "a.toml: `train.epochs` is \"ten\" (string), expected an integer from 1 to 16777216"
    );
    assert_eq!(
        message("", &["model.beta.hidden=-0.5"]),
        "--set model.beta.hidden=-0.5: `model.beta.hidden` is -0.5 (float), \
         expected a number from 0 to 1"
    );
    assert_eq!(
        message("train = 3", &[]),
        "a.toml: `train` is 3 (integer), expected a table, [train]"
    );
    assert_eq!(
        message("[data]\nname = \"yin-yang\"\naugment = true", &[]),
        "a.toml: `data.augment` is true (boolean), \
         expected false: the data set yin-yang has no augmentation"
    );
    for bad in [
        "encode.steps=0",
        "train.epochs=0",
        "train.batch_size=0",
        "train.learning_rate=nan",
        "train.gamma=0",
        "train.milestones=[3, 3]",
        "model.hidden=[]",
        "model.hidden=[0]",
        "model.init_scale=inf",
        "model.kind=conv",
        "data.validation=1.0",
        "seed=-1",
    ] {
        let key = bad.split('=').next().unwrap();
        assert!(
            message("", &[bad]).contains(&format!("`{key}` is ")),
            "{bad}"
        );
    }
}

#[test]
fn recordings_have_a_time_step() {
    let shd = parse("[data]\nname = \"shd\"").unwrap();
    assert_eq!((shd.encode.steps, shd.encode.dt), (500, Some(2.0)));
    assert!(!shd.data.augment);
    assert_eq!(parse(&shd.to_toml()).unwrap(), shd);
    assert_eq!(parse("").unwrap().encode.dt, None);
    assert_eq!(
        message("", &["encode.dt=1"]),
        "--set encode.dt=1: `encode.dt` is 1 (integer), expected it only for recordings: \
         fashion-mnist has values, each a spike"
    );
    assert!(message("[data]\nname = \"shd\"", &["encode.dt=0"]).contains("`encode.dt` is 0"));
}

#[test]
fn files_of_ones_own() {
    let text = "[data]\nname = \"events\"\ntrain = \"a.h5\"\ntest = \"b.h5\"\nunits = 5\n\
                [encode]\nsteps = 30\ndt = 0.5";
    let config = parse(text).unwrap();
    let files = config.data.files.clone().unwrap();
    assert_eq!(
        (files.train.as_str(), files.test.as_str()),
        ("a.h5", "b.h5")
    );
    assert_eq!((files.units, files.classes), (Some(5), None));
    assert_eq!(config.encode.dt, Some(0.5));
    assert_eq!(parse(&config.to_toml()).unwrap(), config);

    assert_eq!(
        message(
            "[data]\nname = \"events\"\ntest = \"b\"",
            &["encode.steps=1", "encode.dt=1"]
        ),
        "a.toml: `data.train` is absent, expected the path of an HDF5 file of recordings, for \
         data.name = \"events\""
    );
    let text = "[data]\nname = \"events\"\ntrain = \"a\"\ntest = \"b\"";
    assert!(message(text, &[]).contains("`encode.steps` is absent"));
    assert!(message(text, &["encode.steps=3"]).contains("`encode.dt` is absent"));
    assert_eq!(
        message("[data]\ntrain = \"a.h5\"", &[]),
        "a.toml: `data.train` is \"a.h5\" (string), expected it only with data.name = \"events\""
    );
}

#[test]
fn broken_toml_names_the_line() {
    let message = message("seed = 1\n[train\n", &[]);
    assert!(message.starts_with("a.toml: line 2, column "), "{message}");
    assert!(!message.contains('\n'));
}
