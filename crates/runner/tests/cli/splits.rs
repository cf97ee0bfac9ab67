//! What a run's splits hold is counted and said; what is probably not meant is doubtful, and nothing is measured over
//! nothing.

use block_data::{Recordings, write_flat};
use serde_json::Value;

use crate::util::{Bench, NO_NAMES, Said, write_images};

/// Class, units and seconds of a recording.
type Made = (u32, Vec<u32>, Vec<f32>);

/// Recordings of 4 classes, 20 units and 0.2 s: class c fires mostly in units 5c to 5c + 4.
fn made(samples: u32, seed: u32) -> Vec<Made> {
    let mut state = 12_345 + 977 * seed;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let mut recording = |class: u32| {
        let events = (0..37).map(|event| match event {
            0..30 => 5 * class + random(5),
            _ => random(20),
        });
        let units: Vec<u32> = events.collect();
        let mut times: Vec<f32> = units.iter().map(|_| random(20_000) as f32 / 1e5).collect();
        times.sort_by(f32::total_cmp);
        (class, units, times)
    };
    (0..samples).map(|sample| recording(sample % 4)).collect()
}

/// The same with every time changed.
fn timed(mut made: Vec<Made>, change: impl Fn(f32) -> f32) -> Vec<Made> {
    let times = made.iter_mut().flat_map(|(_, _, times)| times);
    times.for_each(|time| *time = change(*time));
    made
}

/// A folder with a training and a test split, and a config that names them.
fn bench(train: &[Made], test: &[Made]) -> Bench {
    let bench = Bench::new();
    for (file, made) in [("train.h5", train), ("test.h5", test)] {
        let mut recordings = Recordings::default();
        for (class, units, times) in made {
            recordings.push(*class, units, times).unwrap();
        }
        write_flat(&bench.path(file), &recordings, &NO_NAMES).unwrap();
    }
    bench.write(
        "own.toml",
        "[data]\nname = \"events\"\ntrain = \"train.h5\"\ntest = \"test.h5\"\n[encode]\nsteps = 50\ndt = 4.0\n\
         [model]\nhidden = [20]\ninit_scale = 2.0\n[train]\nepochs = 1\nbatch_size = 8\nmilestones = []",
    );
    bench
}

fn check(bench: &Bench, set: &[&str]) -> Said {
    let set = set.iter().flat_map(|one| ["--set", one]);
    let arguments: Vec<_> = ["check", "own.toml"].into_iter().chain(set).collect();
    bench.works(&arguments)
}

fn doubts(said: &Said) -> Vec<&str> {
    let lines = said.out.lines();
    lines
        .filter_map(|line| line.strip_prefix("doubtful     "))
        .collect()
}

/// Expects a doubt with all of the parts, and that a training begins with the same doubts, records them, and goes on.
fn doubtful(bench: &Bench, set: &[&str], parts: &[&[&str]]) {
    let said = check(bench, set);
    let found = doubts(&said);
    for parts in parts {
        let is_meant = |doubt: &&str| parts.iter().all(|part| doubt.contains(part));
        assert!(found.iter().any(is_meant), "{parts:?} in {said:?}");
    }
    let set = set.iter().flat_map(|one| ["--set", one]);
    let arguments = ["own.toml", "--out", "doubted"].into_iter().chain(set);
    let trained = bench.works(&arguments.collect::<Vec<_>>());
    let recorded = bench.json("doubted/environment.json");
    let recorded = recorded["doubts"].as_array().unwrap();
    assert!(
        recorded
            .iter()
            .map(|doubt| doubt.as_str().unwrap())
            .eq(found)
    );
    for doubt in recorded {
        assert!(trained.err.contains(doubt.as_str().unwrap()), "{trained:?}");
    }
    std::fs::remove_dir_all(bench.path("doubted")).unwrap();
}

/// The account of a split, as `environment.json` has it.
fn account(bench: &Bench, set: &[&str], split: &str) -> Value {
    let set = set.iter().flat_map(|one| ["--set", one]);
    let arguments = ["own.toml", "--out", "counted"].into_iter().chain(set);
    bench.works(&arguments.collect::<Vec<_>>());
    let account = bench.json("counted/environment.json")["splits"][split].clone();
    std::fs::remove_dir_all(bench.path("counted")).unwrap();
    account
}

#[test]
fn sound_recordings_are_counted_and_not_doubted() {
    let mut train = made(80, 1);
    train[7] = (3, vec![], vec![]);
    let bench = bench(&train, &made(40, 2));
    let said = check(&bench, &[]);
    assert_eq!(doubts(&said), [""; 0], "{said:?}");
    let found = account(&bench, &[], "train");
    assert_eq!(
        (&found["samples"], &found["empty"]),
        (&80.into(), &1.into())
    );
    assert_eq!(found["largest_label"], 3);
    assert_eq!(found["classes_without_samples"], Value::Array(vec![]));
    let events = &found["events"];
    assert_eq!(
        (&events["total"], &events["folded"]),
        (&(79 * 37).into(), &0.into())
    );
    assert_eq!(events["largest_unit"], 19);
    let (first, last) = (&events["first_time"], &events["last_time"]);
    assert!(first.as_f64().unwrap() < 0.01 && last.as_f64().unwrap() > 0.19);
    // Every event is in one of the fifty steps or dropped.
    let dropped = events["dropped_after"].as_u64().unwrap();
    assert_eq!(found["spikes"].as_u64().unwrap() + dropped, 79 * 37);
    let share = dropped as f64 / f64::from(79 * 37);
    assert_eq!(events["dropped_share"].as_f64().unwrap(), share);
    let part = "  training:   80 recordings, 1 empty, 2923 events";
    assert!(said.out.contains(part), "{said:?}");
    assert!(
        said.out.contains("  test:       40 recordings, 0 empty"),
        "{said:?}"
    );
    let started = bench.works(&["own.toml", "--out", "run"]).err;
    assert!(
        started.contains("training split: 80 recordings, 1 empty, 2923 events"),
        "{started}"
    );
}

#[test]
fn samples_held_out_have_an_account_of_their_own() {
    let bench = bench(&made(80, 1), &made(40, 2));
    let set = ["data.validation=0.25"];
    let samples = |split: &str| account(&bench, &set, split)["samples"].clone();
    let samples = ["train", "validation", "test"].map(samples);
    assert_eq!(samples, [60, 20, 40]);
    assert_eq!(account(&bench, &[], "validation"), Value::Null);
}

#[test]
fn images_are_counted_too() {
    let bench = Bench::new();
    // The first image is blank.
    write_images(&bench, "sets", |name, bytes| {
        if name == "train-images-idx3-ubyte" {
            bytes[16..16 + 784].fill(0);
        }
        if name == "t10k-labels-idx1-ubyte" {
            bytes[8..].iter_mut().for_each(|label| *label %= 9);
        }
    });
    bench.write("f.toml", "");
    let said = bench.works(&["check", "f.toml", "--data-dir", "sets"]);
    for part in [
        "training:   60 samples, 1 blank, 47040 spikes; time steps 2 to 99; largest label 9, every class has samples",
        "test:       30 samples, 0 blank, 23520 spikes",
        "largest label 8, class 9 has none",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn a_fold_that_is_not_two_polarities() {
    let bench = bench(&made(80, 1), &made(40, 2));
    let fold = "20 units in the file, folded onto 5";
    doubtful(
        &bench,
        &["data.units=5"],
        &[&["training split", fold], &["test split", fold]],
    );
    let found = account(&bench, &["data.units=5"], "train");
    assert!(found["events"]["folded"].as_u64().unwrap() > 80 * 20);
    assert_eq!(found["events"]["largest_unit"], 19);
    // As many as there are, and more, are no fold.
    for units in ["data.units=20", "data.units=50"] {
        assert_eq!(doubts(&check(&bench, &[units])), [""; 0]);
    }
}

#[test]
fn the_fold_of_two_polarities_is_none() {
    let polarities = |seed| {
        let mut made = made(80, seed);
        let units = made.iter_mut().flat_map(|(_, units, _)| units).enumerate();
        units.for_each(|(event, unit)| *unit = 60 * *unit + 1156 * (event as u32 % 2));
        made
    };
    let bench = bench(&polarities(1), &polarities(2));
    let said = check(&bench, &["data.units=1156"]);
    assert_eq!(doubts(&said), [""; 0], "{said:?}");
    assert!(said.out.contains(" 1480 folded"), "{said:?}");
    doubtful(&bench, &["data.units=1155"], &[&["folded onto 1155"]]);
}

/// Units from 1 to 20 and labels from 1 to 4.
fn from_one(made: Vec<Made>) -> Vec<Made> {
    let plus = |units: Vec<u32>| units.into_iter().map(|unit| unit + 1).collect();
    let made = made.into_iter();
    made.map(|(class, units, times)| (class + 1, plus(units), times))
        .collect()
}

#[test]
fn numbering_from_one() {
    let both = bench(&from_one(made(80, 1)), &from_one(made(40, 2)));
    let units =
        "its units go up to 20 and none is 0: are they numbered from 1? Unit 20 becomes unit 0";
    let labels =
        "its labels go from 1 to 4 and none is 0: are they numbered from 1? Class 0 has no samples";
    let all = [
        &["training split", units][..],
        &["test split", units],
        &["training split", labels],
        &["test split", labels],
    ];
    doubtful(&both, &["data.units=20"], &all);
    // The largest unit says how many there are.
    let said = check(&both, &[]);
    assert!(
        said.out
            .contains("none is 0: are they numbered from 1? Unit 0 never fires"),
        "{said:?}"
    );
    assert!(said.out.contains("class 0 has none"), "{said:?}");
    let parts = ["train.h5: found labels from 1 to 4, expected 0 to 3; are they numbered from 1?"];
    both.refused(&["check", "own.toml", "--set", "data.classes=4"], &parts);
    // One split alone.
    let one = bench(&made(80, 1), &from_one(made(40, 2)));
    let said = check(&one, &[]);
    let test = [
        "test split: its units go up to 20",
        "test split: its labels go from 1",
    ];
    assert!(test.iter().all(|part| said.out.contains(part)), "{said:?}");
    assert!(!said.out.contains("training split: its"), "{said:?}");
}

#[test]
fn splits_in_different_units_of_time() {
    let (train, test) = (made(80, 1), made(40, 2));
    let milliseconds = |made: &[Made]| timed(made.to_vec(), |time| 1e3 * time);
    let different = "seem to be in different units of time";
    let lost = |split| [split, " % of its events", "are the times in milliseconds, "];
    doubtful(
        &bench(&train, &milliseconds(&test)),
        &[],
        &[
            &["the training and the test split", different],
            &lost("test split"),
        ],
    );
    doubtful(
        &bench(&milliseconds(&train), &test),
        &[],
        &[&[different], &lost("training split")],
    );
    let micro = |made: &[Made]| timed(made.to_vec(), |time| (1e6 * time).round());
    let both = bench(&micro(&train), &micro(&test));
    doubtful(
        &both,
        &[],
        &[&["test split", "are the times in microseconds?"]],
    );
    assert!(!check(&both, &[]).out.contains("far from 0"));
}

#[test]
fn a_window_that_cuts() {
    let bench = bench(&made(80, 1), &made(40, 2));
    let set = ["encode.steps=28"];
    let found = account(&bench, &set, "test");
    let share = found["events"]["dropped_share"].as_f64().unwrap();
    assert!((0.4..0.5).contains(&share), "{share}");
    let percent = format!("{:.1} % of its events", 100.0 * share);
    doubtful(
        &bench,
        &set,
        &[
            &["test split", &percent, "112 ms", "a larger encode.steps"],
            &["training split"],
        ],
    );
    // The share is said where it is small, too.
    let said = check(&bench, &["encode.steps=48"]);
    assert_eq!(doubts(&said), [""; 0], "{said:?}");
    let found = account(&bench, &["encode.steps=48"], "train");
    let share = 100.0 * found["events"]["dropped_share"].as_f64().unwrap();
    assert!((1.0..10.0).contains(&share));
    let part = format!(" dropped ({share:.1} %; 0 before and ");
    assert!(said.out.contains(&part), "{said:?}");
}

#[test]
fn everything_in_one_step() {
    let one = "fall into one time step, 0 of 50";
    let both = [&["training split", one][..], &["test split", one]];
    doubtful(
        &bench(&made(80, 1), &made(40, 2)),
        &["encode.dt=4000"],
        &both,
    );
    let small = |made| timed(made, |time| time / 1e3);
    doubtful(&bench(&small(made(80, 1)), &small(made(40, 2))), &[], &both);
    let images = Bench::new();
    write_images(&images, "sets", |_, _| ());
    images.write("f.toml", "[encode]\nsteps = 1");
    let said = images.works(&["check", "f.toml", "--data-dir", "sets"]);
    assert!(
        said.out
            .contains("all of its spikes fall into time step 0 of 1"),
        "{said:?}"
    );
}

#[test]
fn an_origin_far_from_zero() {
    for (origin, steps, first) in [
        (3600.0, 50, "3600"),
        (1.7e9, 50, "1700000000"),
        (3.0, 1000, "3.0000"),
    ] {
        let moved = |made| timed(made, |time| origin + time);
        let bench = bench(&moved(made(80, 1)), &moved(made(40, 2)));
        let steps = format!("encode.steps={steps}");
        let first = format!("the first event comes at {first}");
        let far = "count from an origin far from 0";
        doubtful(
            &bench,
            &[&steps],
            &[
                &["training split", far, &first],
                &["test split", far, &first],
            ],
        );
        let said = check(&bench, &[&steps]);
        assert!(!said.out.contains("are the times in"), "{said:?}");
    }
    // Each recording may have an origin of its own.
    let mut session = made(80, 1);
    for (index, (_, _, times)) in session.iter_mut().enumerate() {
        times
            .iter_mut()
            .for_each(|time| *time += 2.0 * index as f32);
    }
    let bench = bench(&session, &made(40, 2));
    doubtful(
        &bench,
        &[],
        &[&["training split", "an origin far from 0", "begins at 80"]],
    );
}

#[test]
fn the_last_half_step_is_not_in_the_window() {
    // Ten steps of 10 ms: 95.1 ms is nearer to a step that is none.
    let one = |late: f32| -> Vec<Made> {
        (0..40)
            .map(|i| (i % 2, vec![0], vec![if i % 2 == 0 { late } else { 0.5 }]))
            .collect()
    };
    let set = ["encode.steps=10", "encode.dt=10"];
    for (late, kept) in [(0.0951, 0), (0.0949, 20)] {
        let bench = bench(&one(late), &one(late));
        let found = account(&bench, &set, "train");
        assert_eq!(
            (&found["spikes"], &found["events"]["dropped_after"]),
            (&kept.into(), &(40 - kept).into())
        );
        assert_eq!(found["events"]["emptied"], 40 - kept);
        doubtful(&bench, &set, &[&["training split", "of 40) come outside"]]);
    }
}

#[test]
fn a_stray_unit_or_label() {
    let mut strayed = made(80, 1);
    strayed[3].1[5] = 400_000;
    strayed[9].1[0] = 300_000;
    let next = "the next largest 19";
    let units = bench(&strayed, &made(40, 2));
    doubtful(
        &units,
        &[],
        &[&[
            "training split",
            "its largest unit is 400000",
            next,
            "400001 inputs",
            "data.units",
        ]],
    );
    doubtful(
        &units,
        &["data.units=20"],
        &[&["its largest unit is 400000", next, "2 of its 2960 events"]],
    );
    assert!(!check(&units, &[]).out.contains("test split: its largest"));

    let mut strayed = made(80, 1);
    strayed[7].0 = 900;
    let labels = bench(&strayed, &made(40, 2));
    let said = check(&labels, &[]);
    assert!(said.out.contains("classes 4-899 have none"), "{said:?}");
    doubtful(
        &labels,
        &[],
        &[&[
            "training split",
            "its largest label is 900",
            "the next largest 3",
            "901 classes",
        ]],
    );
    // An even spread is no stray.
    let mut sparse = made(80, 1);
    sparse
        .iter_mut()
        .flat_map(|(_, units, _)| units)
        .for_each(|unit| *unit *= *unit);
    assert_eq!(
        doubts(&check(&bench(&sparse, &sparse[..40]), &[])).len(),
        1,
        "only the same content"
    );
}

#[test]
fn the_same_content_in_two_splits() {
    let train = made(80, 1);
    let same = bench(&train, &train);
    doubtful(
        &same,
        &[],
        &[&[
            "test split",
            "all of its samples are training samples too",
            "the same file?",
        ]],
    );
    // In another order, and a part of it.
    let mut part: Vec<_> = train[..30].iter().rev().cloned().collect();
    part.extend(made(50, 2));
    doubtful(
        &bench(&train, &part),
        &[],
        &[&["30 of its 80 samples are in the training split too"]],
    );
    part.drain(..25);
    assert_eq!(doubts(&check(&bench(&train, &part), &[])), [""; 0]);
}

#[test]
fn classes_that_cannot_be_learned_or_told_apart() {
    let mut test = made(40, 2);
    test[0].0 = 4;
    test[1].0 = 6;
    let unknown = bench(&made(80, 1), &test);
    doubtful(
        &unknown,
        &[],
        &[&["test split: it has samples of class 4, 6, of which the training split has none"]],
    );
    let only = |made: Vec<Made>| {
        made.into_iter()
            .map(|(_, units, times)| (0, units, times))
            .collect::<Vec<_>>()
    };
    let one = bench(&only(made(80, 1)), &only(made(40, 2)));
    doubtful(
        &one,
        &[],
        &[
            &["training split: all of its 80 samples are of class 0"],
            &["test split: all of its 40"],
        ],
    );
    let mut elsewhere = made(40, 2);
    elsewhere
        .iter_mut()
        .flat_map(|(_, units, _)| units)
        .for_each(|unit| *unit += 20);
    doubtful(
        &bench(&made(80, 1), &elsewhere),
        &[],
        &[&[
            "test split: 100.0 % of its events are of units that never fire in the training split",
        ]],
    );
}

#[test]
fn recordings_without_events() {
    let empty = |mut made: Vec<Made>, every: usize| {
        for (_, units, times) in made.iter_mut().step_by(every) {
            units.clear();
            times.clear();
        }
        made
    };
    let none = bench(&empty(made(80, 1), 1), &empty(made(40, 2), 1));
    doubtful(
        &none,
        &[],
        &[
            &["training split: 80 of its 80 recordings have no event"],
            &["test split: 40 of its 40"],
        ],
    );
    let found = account(&none, &[], "train");
    let events = &found["events"];
    assert_eq!((&events["total"], &found["spikes"]), (&0.into(), &0.into()));
    for nothing in ["dropped_share", "first_time", "last_time", "largest_unit"] {
        assert_eq!(events[nothing], Value::Null);
    }
    let some = bench(&empty(made(80, 1), 20), &made(40, 2));
    assert_eq!(doubts(&check(&some, &[])), [""; 0]);
}

#[test]
fn a_split_without_recordings_is_refused() {
    for (train, test, file) in [
        (vec![], made(40, 2), "train.h5"),
        (made(80, 1), vec![], "test.h5"),
    ] {
        let bench = bench(&train, &test);
        let parts = [&format!("{file}: found no recording, expected at least one")[..]];
        bench.refused(&["check", "own.toml"], &parts);
        bench.refused(&["own.toml", "--out", "run"], &parts);
        assert!(!bench.path("run").exists());
    }
    let bench = bench(&made(80, 1), &made(40, 2));
    let parts = ["`data.validation` is 0.001", "at least one of 80 samples"];
    bench.refused(
        &["check", "own.toml", "--set", "data.validation=0.001"],
        &parts,
    );
}

/// A machine with little memory, as a shell can make one.
#[cfg(target_os = "linux")]
#[test]
fn what_does_not_fit_into_memory_is_refused_before_it_starts() {
    let mut strayed = made(80, 1);
    strayed[3].1[5] = 16_777_215;
    let bench = bench(&strayed, &made(40, 2));
    for arguments in [&["check", "own.toml"][..], &["own.toml", "--out", "run"]] {
        let parts = [
            "train.h5: the largest unit is 16777215, the next largest 19, expected less than 1048576; is it a stray? If \
             there are that many units, state their number",
        ];
        bench.refused(arguments, &parts);
    }
    for arguments in ["check own.toml", "own.toml --out run"] {
        let script = format!(
            "ulimit -v 6000000; exec {} {arguments} --set data.units=16777216",
            env!("CARGO_BIN_EXE_runner")
        );
        let mut shell = std::process::Command::new("sh");
        let output = shell
            .args(["-c", &script])
            .current_dir(bench.path(""))
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        for part in [
            "16777216 input units, 4 classes, `model.hidden` = [20]",
            "about 20.0 GiB of memory (20.0 GiB for 335544448 parameters)",
            "GiB are available of the 5.7 GiB of the limit of the address space (ulimit -v); make",
            "or the number of input units smaller, which data.units can state",
            "its largest unit is 16777215, the next largest 19",
        ] {
            assert!(err.contains(part), "{part:?} is not in {err:?}");
        }
    }
    assert!(!bench.path("run").exists());
}

#[test]
fn some_times_of_another_unit_are_doubtful() {
    let mut some = made(80, 1);
    for (_, _, times) in some.iter_mut().step_by(12) {
        times.iter_mut().for_each(|time| *time *= 1e3);
    }
    let parts = [
        "training split: 7 of its 80 recordings last more than 100 times as long as is typical, up to 1",
    ];
    doubtful(&bench(&some, &made(40, 2)), &[], &[&parts]);
    let mut stray = made(40, 2);
    *stray[9].2.last_mut().unwrap() = 3e6;
    let parts = [
        "test split: 1 of its 40 recordings lasts more than 100 times",
        "up to 3000000 s instead of 0.1",
        "is one of the times a stray?",
    ];
    doubtful(&bench(&made(80, 1), &stray), &[], &[&parts]);
}

#[test]
fn a_numbering_that_begins_far_above_zero() {
    let moved = |made: Vec<Made>, units: u32, labels: u32| -> Vec<Made> {
        let made = made.into_iter();
        made.map(|(class, all, times)| {
            (
                class + labels,
                all.into_iter().map(|unit| unit + units).collect(),
                times,
            )
        })
        .collect()
    };
    let both = |units, labels| {
        bench(
            &moved(made(80, 1), units, labels),
            &moved(made(40, 2), units, labels),
        )
    };
    doubtful(
        &both(1000, 100),
        &[],
        &[
            &[
                "training split",
                "units go from 1000 to 1019",
                "inputs 0 to 999 never",
                "subtract 1000",
            ],
            &[
                "training split",
                "labels go from 100 to 103",
                "classes 0 to 99 have no samples",
                "subtract 100",
            ],
        ],
    );
    let far = |bench: &Bench| {
        let said = check(bench, &[]);
        let found = doubts(&said);
        found
            .iter()
            .filter(|doubt| doubt.contains("elsewhere than at 0"))
            .count()
    };
    assert_eq!(far(&both(10, 0)), 1);
    // A silent border, or some classes of a larger set, are none.
    assert_eq!(far(&both(6, 3)), 0);
    // Those of a fold are said to be folded.
    let folded = check(&both(1000, 0), &["data.units=20"]);
    assert!(!folded.out.contains("elsewhere than"), "{folded:?}");
}

#[test]
fn units_that_a_small_split_lacks_by_chance_are_not_doubted() {
    // Each recording has units of its own: 20 of 2,000.
    let sparse = |samples: u32, seed: u32, units: u32, from: u32| -> Vec<Made> {
        let mut state = 99 + seed;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut one = |sample: u32| {
            let units = (0..20).map(|_| from + random(units)).collect();
            (
                sample % 4,
                units,
                (0..20).map(|event| event as f32 / 200.0).collect(),
            )
        };
        (0..samples).map(&mut one).collect()
    };
    let never = "of units that never fire in the training split";
    let by_chance = bench(&sparse(80, 1, 2000, 0), &sparse(40, 2, 2000, 0));
    let said = check(&by_chance, &[]);
    assert!(!said.out.contains(never), "{said:?}");
    // As small, but elsewhere, and so large that nothing is left to chance.
    let elsewhere = bench(&sparse(80, 1, 1000, 0), &sparse(40, 2, 1000, 900));
    doubtful(&elsewhere, &[], &[&["test split", never]]);
    let large = bench(&sparse(400, 1, 200, 0), &sparse(40, 2, 250, 0));
    doubtful(&large, &[], &[&["test split", never]]);
}

#[test]
fn one_of_something_is_no_plural() {
    let bench = bench(&made(1, 1), &made(2, 2));
    let said = bench.works(&["check", "own.toml", "--set", "train.epochs=1"]);
    assert!(said.out.contains("training     1 sample\n"), "{said:?}");
    assert!(
        said.out
            .contains("training:   1 recording, 0 empty, 37 events"),
        "{said:?}"
    );
    let said = bench.works(&["own.toml", "--out", "run"]);
    for text in [said.err, bench.works(&["eval", "run"]).err] {
        for plural in [
            "recordings",
            "samples",
            "epochs",
            "batches",
            "events",
            "classes",
            "units",
        ] {
            assert!(!text.contains(&format!(" 1 {plural}")), "{text}");
        }
    }
}

#[test]
fn a_stray_unit_beyond_any_network() {
    let mut strayed = made(80, 1);
    strayed[3].1[5] = u32::MAX;
    let bench = bench(&strayed, &made(40, 2));
    let parts = [
        "train.h5: the largest unit is 4294967295, the next largest 19, expected less than",
        "is it a stray?",
    ];
    bench.refused(&["check", "own.toml"], &parts);
    doubtful(
        &bench,
        &["data.units=20"],
        &[&["its largest unit is 4294967295, the next largest 19"]],
    );
}

#[test]
fn a_test_counts_its_split_too() {
    let bench = bench(&made(80, 1), &timed(made(40, 2), |time| 1e3 * time));
    bench.works(&["own.toml", "--out", "run"]);
    let said = bench.works(&["eval", "run"]);
    assert!(
        said.err.contains("test split: 40 recordings, 0 empty"),
        "{said:?}"
    );
    assert!(said.err.contains("doubtful: test split: "), "{said:?}");
    assert!(!said.err.contains("training split"), "{said:?}");
}

#[test]
fn a_resumed_run_says_what_it_goes_on_with() {
    let bench = bench(&made(80, 1), &made(40, 2));
    bench.works(&["own.toml", "--out", "run", "--set", "data.units=5"]);
    let before = bench.json("run/environment.json");
    let said = bench.works(&["--resume", "run", "--set", "train.epochs=2"]);
    assert!(said.err.contains("folded onto 5"), "{said:?}");
    let after = bench.json("run/environment.json");
    assert_eq!(
        (&before["splits"], &before["doubts"]),
        (&after["splits"], &after["doubts"])
    );
}

#[test]
fn steps_in_seconds() {
    let bench = bench(&made(80, 1), &made(40, 2));
    let unit = "or is encode.dt in seconds, where milliseconds are?";
    doubtful(
        &bench,
        &["encode.dt=0.004"],
        &[&["training split", unit], &["test split", unit]],
    );
}
