//! The golden files of this crate's kinds: every tensor exactly, sums to the last bits.

use std::path::Path;

use block_data::encode::{EventBinning, SingleSpike, normalize_channels, repeat_in_time};
use block_data::formats::n_mnist::decode;
use block_data::{NumpyRandom, YinYang, YinYangPoint};
use conformance::{Check, Golden};

const KINDS: [&str; 5] = ["encodings", "spike", "shd", "nmnist", "yinyang"];

#[test]
fn golden_files() {
    conformance::run(
        env!("CARGO_MANIFEST_DIR"),
        "block-data",
        &KINDS,
        |golden, check| match golden.meta("kind") {
            "encodings" => encodings(golden, check),
            "spike" => spike_builder(golden, check),
            "shd" => shd(golden, check),
            "nmnist" => n_mnist(golden, check),
            _ => yin_yang(golden, check),
        },
    );
}

fn encodings(golden: &Golden, check: &mut Check) {
    for name in golden.names() {
        let (case, kind) = name.rsplit_once('.').unwrap_or((name, ""));
        if let Some(steps) = name.strip_prefix("pixel_time_t") {
            let pixels: Vec<f64> = (0..256).map(|p| f64::from(p as f32 / 255.0)).collect();
            let found = first_spikes(&pixels, steps.parse().unwrap(), 1.0);
            check.exact(name, &to_f64(&found), golden.values(name));
        } else if kind == "x" {
            // An input, used below.
        } else if case.starts_with("enc") {
            let steps: usize = case.rsplit_once("_t").unwrap().1.parse().unwrap();
            let (input, maximum) = match case.split_once("_t").unwrap().0 {
                "enc1d" => ("enc1d.x", 1.0),
                "enc1d_maxc2" => ("enc1d_maxc2_t20.x", 2.0),
                image => (
                    if image == "enc2d_c1" {
                        "enc2d_c1.x"
                    } else {
                        "enc2d_c3.x"
                    },
                    1.0,
                ),
            };
            let first = first_spikes(golden.values(input), steps, maximum);
            let channels = match golden.shape(input) {
                &[channels, _, _] if kind == "out" => channels,
                // Flattened, or no image: [unit, step] is [channel, step, 1 pixel].
                _ => first.len(),
            };
            check.exact(name, &dense(&first, channels, steps), golden.values(name));
        } else if case == "toclip_r4" {
            let image = to_f32(golden.values("toclip.x"));
            let found = repeat_in_time(&image, 3, 4).unwrap();
            check.exact(name, &widen(&found), golden.values(name));
        } else {
            assert_eq!(name, "normalize_cifar.out", "a tensor that nothing checks");
            let mut image = to_f32(golden.values("toclip.x"));
            let (mean, deviation) = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]);
            normalize_channels(&mut image, &mean, &deviation).unwrap();
            check.exact(name, &widen(&image), golden.values(name));
        }
    }
}

fn spike_builder(golden: &Golden, check: &mut Check) {
    for (steps, dt) in [(20, 1.0), (20, 2.0)] {
        let name = format!("builder_n10_t{steps}_dt{dt}.out");
        let found = binned(golden, "builder.units", "builder.times_s", 10, steps, dt);
        check.exact(&name, &found, golden.values(&name));
    }
    let found = binned(
        golden,
        "builder_shd.units",
        "builder_shd.times_s",
        700,
        500,
        2.0,
    );
    sparse(golden, check, "builder_shd_t500_dt2.nz", &found, 500);
}

fn shd(golden: &Golden, check: &mut Check) {
    for sample in 0..golden.values("labels").len() {
        let [units, times] = ["units", "times"].map(|part| format!("{sample}.{part}"));
        let found = binned(golden, &units, &times, 700, 500, 2.0);
        sparse(golden, check, &format!("{sample}.nz"), &found, 500);
    }
}

fn n_mnist(golden: &Golden, check: &mut Check) {
    let column = |name: &str| golden.values(name).iter().map(|&v| v as u32);
    let mut recording = Vec::new();
    for (((x, y), p), t) in column("x")
        .zip(column("y"))
        .zip(column("p"))
        .zip(column("t_us"))
    {
        recording.extend([x as u8, y as u8]);
        recording.extend(&(p << 23 | t).to_be_bytes()[1..]);
    }
    let events = decode(&recording, Path::new("golden")).unwrap();
    let units: Vec<u32> = events.iter().map(|e| e.unit()).collect();
    let times: Vec<f32> = events.iter().map(|e| e.seconds()).collect();

    let expect = |check: &mut Check, name: &str, found: Vec<u32>| {
        check.exact(name, &to_f64(&found), golden.values(name));
    };
    expect(check, "x", events.iter().map(|e| e.x.into()).collect());
    expect(check, "y", events.iter().map(|e| e.y.into()).collect());
    expect(check, "p", events.iter().map(|e| e.on.into()).collect());
    expect(
        check,
        "t_us",
        events.iter().map(|e| e.microseconds).collect(),
    );
    expect(check, "unit", units.clone());
    check.exact("time_s_f32", &widen(&times), golden.values("time_s_f32"));
    sparse(
        golden,
        check,
        "dense_nz",
        &bin(&units, &times, 1156, 300, 1.0),
        300,
    );
}

fn yin_yang(golden: &Golden, check: &mut Check) {
    for (split, seed, size) in [("train", 42, 20_000), ("test", 0, 10_000)] {
        let mut expect = |part: &str, found: &[f64]| {
            let name = format!("{split}.{part}");
            check.exact(&name, found, golden.values(&name));
        };
        let twenty = |draw: fn(&mut NumpyRandom) -> f64| -> Vec<f64> {
            let mut random = NumpyRandom::new(seed);
            (0..20).map(|_| draw(&mut random)).collect()
        };
        expect("mt19937_first20_u32", &twenty(|r| r.next_u32().into()));
        expect("first20_randint3", &twenty(|r| r.below_three().into()));
        expect("first20_random_sample", &twenty(NumpyRandom::uniform));

        let all = YinYang::new(20_000, seed);
        let points = all.points();
        let labels = |points: &[YinYangPoint]| -> Vec<f64> {
            points.iter().map(|p| p.class as f64).collect()
        };
        let features = |points: &[YinYangPoint]| -> Vec<f64> {
            points
                .iter()
                .flat_map(|p| p.features().map(f64::from))
                .collect()
        };
        let (first, last) = (&points[..50], &points[19_990..]);
        expect("label", &labels(first));
        expect("goal_class", &labels(first));
        expect("x_f32", &features(first));
        expect("last10_label", &labels(last));
        expect("last10_x_f32", &features(last));
        expect(
            "xy_f64",
            &first.iter().flat_map(|p| [p.x, p.y]).collect::<Vec<_>>(),
        );
        for count in [10_000, 20_000] {
            let mut classes = [0.0; 3];
            points[..count].iter().for_each(|p| classes[p.class] += 1.0);
            expect(&format!("class_counts_{count}"), &classes);
        }
        for steps in [32, 100] {
            let found = first_spikes(&features(first), steps, 1.0);
            expect(&format!("spike_times_t{steps}_first50"), &to_f64(&found));
        }

        // Of the float32 features, added in float64: the order of the additions shows only in the
        // last bits.
        let mut sums = [0.0; 4];
        for values in features(points).chunks_exact(4) {
            sums.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
        }
        let name = format!("{split}.sum_x_f64_20000");
        check.close(&name, &sums, golden.values(&name), 1e-13);

        let own = if split == "train" {
            YinYang::train()
        } else {
            YinYang::test()
        };
        assert_eq!(own.points(), &points[..size]);
    }
}

fn first_spikes(values: &[f64], steps: usize, maximum: f32) -> Vec<u32> {
    let mut found = Vec::new();
    let code = SingleSpike::with_maximum(steps, maximum).unwrap();
    code.encode(&to_f32(values), &mut found).unwrap();
    found
}

/// First spikes as a dense `[channel, step, pixel]`.
fn dense(first: &[u32], channels: usize, steps: usize) -> Vec<f64> {
    let pixels = first.len() / channels;
    let mut out = vec![0.0; first.len() * steps];
    for (unit, &step) in first.iter().enumerate() {
        out[(unit / pixels * steps + step as usize) * pixels + unit % pixels] = 1.0;
    }
    out
}

fn binned(
    golden: &Golden,
    units: &str,
    times: &str,
    count: usize,
    steps: usize,
    dt: f32,
) -> Vec<f64> {
    let units: Vec<u32> = golden.values(units).iter().map(|&u| u as u32).collect();
    bin(&units, &to_f32(golden.values(times)), count, steps, dt)
}

/// Counts as a dense `[unit, step]`.
fn bin(units: &[u32], times: &[f32], count: usize, steps: usize, dt: f32) -> Vec<f64> {
    let mut events = Vec::new();
    let binning = EventBinning::new(count, steps, dt).unwrap();
    binning.encode(units, times, &mut events).unwrap();
    let mut out = vec![0.0; count * steps];
    for (step, unit) in events {
        out[unit as usize * steps + step as usize] += 1.0;
    }
    out
}

/// Compares the places and values of the non-zero entries.
fn sparse(golden: &Golden, check: &mut Check, prefix: &str, dense: &[f64], steps: usize) {
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for (at, &value) in dense.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        places.extend([(at / steps) as f64, (at % steps) as f64]);
        values.push(value);
    }
    let [index, value] = ["idx", "val"].map(|part| format!("{prefix}_{part}"));
    check.exact(&index, &places, golden.values(&index));
    check.exact(&value, &values, golden.values(&value));
}

fn to_f64(values: &[u32]) -> Vec<f64> {
    values.iter().map(|&v| v.into()).collect()
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| v.into()).collect()
}
