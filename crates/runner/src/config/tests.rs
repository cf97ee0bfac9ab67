use block_core::Surrogate;
use block_models::{LayerConfig, LinearConfig};

use super::*;
use crate::error::Result;

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
    assert_eq!(config.model.hidden, Some(vec![1000]));
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
    assert_eq!(config.model.hidden, Some(vec![5]));
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
        message.contains("`data.dir` is \"\" (string), expected a path"),
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
    // Never the table that the key is already in.
    expect("[train]\nlr = 3", "train.lr", "train.gamma");
    expect("[train]\ntrain = 3", "train.train", "data.train");
    let layer = "[[model.layers]]\nkind = \"linear\"\nneurons = 3\nlayers = 3";
    let message = message(layer, &[]);
    assert!(
        message.contains("key `model.layers.0.layers`; "),
        "{message}"
    );
    assert!(message.contains("is `model.layers.0."), "{message}");
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
        "train.learning_rate=1e-60",
        "model.surrogate.scale=1e39",
        "model.init_scale=1e300",
        "train.gamma=1e-300",
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
        "--set encode.dt=1: `encode.dt` is 1 (integer), expected no such key for fashion-mnist, \
         which has values, not recordings"
    );
    assert!(message("[data]\nname = \"shd\"", &["encode.dt=0"]).contains("`encode.dt` is 0"));
}

#[test]
fn files_of_ones_own() {
    let text = "[data]\nname = \"events\"\ntrain = \"a.h5\"\ntest = \"b.h5\"\nunits = 5\n\
                [encode]\nsteps = 30\ndt = 0.5";
    let config = parse(text).unwrap();
    let files = config.data.files().unwrap();
    assert_eq!(
        (files.train.to_str(), files.test.to_str()),
        (Some("a.h5"), Some("b.h5"))
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
        "a.toml: `data.train` is \"a.h5\" (string), expected no such key unless data.name = \"events\""
    );
}

#[test]
fn broken_toml_names_the_line() {
    let message = message("seed = 1\n[train\n", &[]);
    assert!(message.starts_with("a.toml: line 2, column "), "{message}");
    assert!(!message.contains('\n'));
}

const STACK: &str = "[[model.layers]]\nkind = \"linear\"\nneurons = 30\nbeta = 0.95\n\
                     [[model.layers]]\nkind = \"linear\"\nneurons = 30\nskip = true\n\
                     surrogate = { kind = \"arctan\" }\n";

fn linear(layer: &LayerConfig) -> &LinearConfig {
    let LayerConfig::Linear(config) = layer else {
        panic!("{layer:?}");
    };
    config
}

#[test]
fn layers_one_by_one() {
    let config = parse(STACK).unwrap();
    assert_eq!(config.model.hidden, None);
    let layers = config.model.layers().unwrap();
    let [first, second] = [0, 1].map(|index| linear(&layers[index]));
    assert_eq!(
        (first.neurons, first.beta, first.skip),
        (30, Some(0.95), None)
    );
    assert_eq!((second.skip, second.beta), (Some(true), None));
    assert_eq!(second.surrogate, Some(Surrogate::Arctan { scale: 10.0 }));
    assert_eq!(parse(&config.to_toml()).unwrap(), config);

    let set = ["model.layers.1.neurons=500", "model.layers.1.skip = false"];
    let changed = Config::parse(STACK, "a.toml", &set.map(str::to_string)).unwrap();
    let layers = changed.model.layers().unwrap();
    let second = linear(&layers[1]);
    assert_eq!((second.neurons, second.skip), (500, Some(false)));
}

#[test]
fn wrong_layers_name_the_element() {
    let both = format!("[model]\nhidden = [3]\n{STACK}");
    let message_of = |text: &str, set: &[&str]| message(text, set);
    assert_eq!(
        message_of(&both, &[]),
        "a.toml: `model.hidden` is [3] beside `layers`, expected one of the two: it is short for layers of kind \
         \"linear\""
    );
    assert_eq!(
        message_of(STACK, &["model.layers.2.neurons=5"]),
        "--set model.layers.2.neurons=5: `model.layers.2` is absent, expected an index from 0 to 1, as \
         model.layers has 2"
    );
    assert_eq!(
        message_of(STACK, &["model.layers.1.neuron=5"]),
        "--set model.layers.1.neuron=5: unknown key `model.layers.1.neuron`; the nearest known key is \
         `model.layers.1.neurons`"
    );
    // Another kind of layer has such a key, this one has not.
    let conv = "[[model.layers]]\nkind = \"conv\"\nchannels = 2\nkernel = 3\n";
    assert_eq!(
        message_of(&format!("{conv}skip = true"), &[]),
        "a.toml: unknown key `model.layers.0.skip`; the nearest known key is `model.skip`"
    );
    assert_eq!(
        message_of(&format!("{conv}neurons = 5"), &[]),
        "a.toml: unknown key `model.layers.0.neurons`; the nearest known key is `model.layers.0.kernel`"
    );
    let unknown = message_of(STACK, &["model.layers.0.kind=abacus"]);
    let part = "`model.layers.0.kind` is \"abacus\" (string), expected \"linear\"";
    assert!(unknown.contains(part), "{unknown}");
    assert_eq!(
        message_of("[[model.layers]]\nkind = \"linear\"", &[]),
        "a.toml: `model.layers.0.neurons` is absent, expected an integer from 1 to 16777216"
    );
    assert_eq!(
        message_of(STACK, &["model.layers.0.beta=1.5"]),
        "--set model.layers.0.beta=1.5: `model.layers.0.beta` is 1.5 (float), expected a number from 0 to 1"
    );
    let absent = message_of("[[model.layers]]\nneurons = 3", &[]);
    assert!(
        absent.contains("`model.layers.0.kind` is absent"),
        "{absent}"
    );
    let empty = message_of("[model]\nlayers = []", &[]);
    assert!(
        empty.contains("`model.layers` is [] (array), expected"),
        "{empty}"
    );
}

#[test]
fn surrogates_are_chosen_with_their_scale() {
    let set = |set: &[&str]| {
        let set: Vec<_> = set.iter().map(ToString::to_string).collect();
        Config::parse("", "a.toml", &set).unwrap().model.surrogate
    };
    assert_eq!(set(&[]), Surrogate::FastSigmoid { scale: 10.0 });
    assert_eq!(
        set(&["model.surrogate.scale=3"]),
        Surrogate::FastSigmoid { scale: 3.0 }
    );
    // Whatever block-core knows can be named here.
    for surrogate in Surrogate::all(10.0) {
        let kind = serde_json::to_value(surrogate).unwrap()["kind"].clone();
        let key = format!("model.surrogate.kind={}", kind.as_str().unwrap());
        assert_eq!(set(&[&key]), surrogate);
    }
    let message = message("", &["model.surrogate.kind=step"]);
    let part =
        "`model.surrogate.kind` is \"step\" (string), expected \"fast-sigmoid\" or \"sigmoid\"";
    assert!(message.contains(part), "{message}");
}

#[test]
fn configs_made_before_say_what_every_layer_is() {
    let old = parse("[model]\nkind = \"linear\"\nhidden = [3]").unwrap();
    assert_eq!(old, parse("[model]\nhidden = [3]").unwrap());
}

#[test]
fn every_key_has_a_meaning_and_is_read() {
    let keys = keys();
    assert!(keys.len() > 30);
    for key in &keys {
        assert!(!key.meaning.is_empty(), "{}", key.path);
        if let Some((table, _)) = key.path.rsplit_once('.') {
            let table = table.trim_end_matches(".N");
            assert!(keys.iter().any(|key| key.path == table), "{table}");
        }
    }
    let required = keys.iter().filter(|key| key.required);
    let required: Vec<_> = required.map(|key| key.path.as_str()).collect();
    assert!(
        required
            .iter()
            .all(|path| path.starts_with("model.layers.N."))
    );
    assert!(required.contains(&"model.layers.N.neurons"));
    let mut kinds = keys.iter().filter(|key| key.path == "model.layers.N.kind");
    assert!(kinds.all(|key| key.required));
    let find = |path: &str| keys.iter().find(|key| key.path == path).unwrap();
    let epochs = find("train.epochs");
    assert_eq!(epochs.expected, "an integer from 1 to 16777216");
    assert_eq!(epochs.default.as_deref(), Some("140"));
    let validation = find("data.validation");
    let expected = "\"test\" or \"none\" or a finite number above 0 and below 1";
    assert_eq!(validation.expected, expected);
    assert_eq!(find("model.layers.N.beta").expected, "a number from 0 to 1");
    assert_eq!(
        find("model.beta.hidden").default.as_deref(),
        Some("0.904837418")
    );
    // What a default says is what an empty config gives.
    let defaults = toml::Table::try_from(parse("").unwrap()).unwrap();
    for key in keys.iter().filter(|key| !key.path.contains(".N.")) {
        let mut value = Some(&toml::Value::Table(defaults.clone())).cloned();
        for name in key.path.split('.') {
            value = value.and_then(|value| value.get(name).cloned());
        }
        let Some(default) = key
            .default
            .as_deref()
            .filter(|text| !text.contains("data set"))
        else {
            continue;
        };
        let found = serde_json::to_value(value).unwrap();
        let expected: serde_json::Value = serde_json::from_str(default).unwrap();
        assert_eq!(found, expected, "{}", key.path);
    }
}

#[test]
fn what_a_layers_surrogate_leaves_out_is_the_models() {
    let with = |layer: &str| {
        let text = format!(
            "[model]\nsurrogate = {{ kind = \"arctan\", scale = 3.0 }}\n\
             [[model.layers]]\nkind = \"linear\"\nneurons = 5\nsurrogate = {layer}"
        );
        let config = parse(&text).unwrap();
        assert_eq!(parse(&config.to_toml()).unwrap(), config);
        toml::to_string(&config.model.layers.unwrap()[0]).unwrap()
    };
    let scale = with("{ scale = 2.0 }");
    assert!(scale.contains("kind = \"arctan\"\nscale = 2.0"), "{scale}");
    let kind = with("{ kind = \"sigmoid\" }");
    assert!(kind.contains("kind = \"sigmoid\"\nscale = 3.0"), "{kind}");
}

#[test]
fn an_element_of_an_array_that_is_absent_is_refused() {
    assert_eq!(
        message("[model]\nhidden = [5]", &["model.layers.0.neurons=5"]),
        "--set model.layers.0.neurons=5: `model.layers` is absent, \
         expected an array in the config, of which 0 is an element"
    );
}

#[test]
fn configs_are_compared_key_by_key() {
    let [before, now] = [
        "seed = 1\n[data]\nname = \"yin-yang\"\ndir = \"a\"\n[model]\nhidden = [12]\n[train]\nbatch_size = 8",
        "seed = 1\n[data]\nname = \"yin-yang\"\ndir = \"b\"\nvalidation = 0.25\n[model.surrogate]\nkind = \"arctan\"\nscale = 3.0\n\
         [[model.layers]]\nkind = \"linear\"\nneurons = 12",
    ]
    .map(|text| parse(text).unwrap());
    assert_eq!(before.differences(&before), []);
    let found: Vec<_> = before
        .differences(&now)
        .into_iter()
        .map(|one| (one.key, one.before, one.now))
        .collect();
    let has = |key: &str, before: &str, now: &str| {
        let expected = [key, before, now].map(str::to_string);
        assert!(
            found.contains(&expected.into()),
            "{key} is not in {found:?}"
        );
    };
    has("data.validation", "\"test\"", "0.25");
    has("model.hidden", "[12]", "absent");
    has("model.layers.0.neurons", "absent", "12");
    has("train.batch_size", "8", "128");
    assert!(
        found
            .iter()
            .all(|one| one.0 != "data.dir" && one.0 != "seed"),
        "{found:?}"
    );
}

#[test]
fn a_run_takes_what_would_not_have_changed_its_epochs() {
    let with = |set: &[&str]| {
        let set: Vec<_> = set.iter().map(ToString::to_string).collect();
        Config::parse(
            "[data]\nname = \"yin-yang\"\n[train]\nmilestones = [3, 5]",
            "",
            &set,
        )
        .unwrap()
    };
    let before = with(&[]);
    let may = |set: &str, epochs: usize| {
        let key = set.split('=').next().unwrap();
        before.may_become(&with(&[set]), key, epochs)
    };
    assert!(may("train.epochs=7", 140));
    assert!(may("train.milestones=[3, 9]", 4));
    assert!(!may("train.milestones=[3, 9]", 5));
    assert!(!may("train.milestones=[2, 3, 5]", 2));
    assert!(may("train.gamma=0.5", 2));
    assert!(!may("train.gamma=0.5", 3));
    assert!(may("data.validation=none", 9));
    assert!(!may("data.validation=0.1", 0));
    for set in [
        "seed=9",
        "train.batch_size=3",
        "train.learning_rate=1",
        "encode.steps=5",
    ] {
        assert!(!may(set, 0), "{set}");
    }
}
