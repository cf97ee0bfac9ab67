//! A survey counts what a loader hands out.

use std::sync::Arc;

use block_data::{
    DataError, Encoding, Input, Recording, Recordings, Sample, Samples, SpikeLoader, Survey,
    YinYang,
};
use burn_dataset::InMemDataset;

const UNITS: usize = 40;

/// Recordings of 0.2 s with events of twice as many units, some of them empty.
fn recordings() -> Recordings {
    let mut recordings = Recordings::default();
    let mut state = 1_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for sample in 0..300 {
        let events = random(60) * u32::from(sample % 9 != 0);
        let units: Vec<_> = (0..events).map(|_| random(2 * UNITS as u32)).collect();
        let times: Vec<_> = (0..events)
            .map(|_| random(1 << 20) as f32 * 0.2 / (1 << 20) as f32)
            .collect();
        recordings.push(sample % 5, &units, &times).unwrap();
    }
    recordings
}

/// The spikes of all batches of a loader, and the most of a sample.
fn loaded(samples: &Samples, encoding: &Encoding) -> (u64, u64) {
    let loader = SpikeLoader::new(samples.clone(), encoding.clone(), 1).unwrap();
    let spikes = loader
        .epoch(0)
        .map(|batch| batch.unwrap().input.into_events().unwrap().spikes() as u64);
    let spikes: Vec<_> = spikes.collect();
    (spikes.iter().sum(), spikes.iter().copied().max().unwrap())
}

#[test]
fn recordings_are_counted_as_they_are_loaded() {
    let recordings = recordings();
    let total = recordings.total_events() as u64;
    let folded = (0..300).map(|index| {
        recordings
            .events(index)
            .0
            .iter()
            .filter(|&&unit| unit >= UNITS as u32)
            .count()
    });
    let folded: usize = folded.sum();
    let late = (0..300).filter(|&index| {
        let (_, times) = recordings.events(index);
        !times.is_empty() && times.iter().all(|&time| time * 500.0 >= 9.5)
    });
    let late = late.count();
    let empty = (0..300)
        .filter(|&index| recordings.events(index).0.is_empty())
        .count();
    let samples: Samples = Arc::new(recordings);
    for (steps, dt) in [(10, 2.0), (100, 2.0), (200, 1.0), (1, 1000.0)] {
        let encoding = Encoding::events(UNITS, steps, dt).unwrap();
        let survey = Survey::of(&samples, &encoding, 7).unwrap();
        let account = &survey.account;
        let (spikes, most) = loaded(&samples, &encoding);
        assert_eq!((account.spikes, survey.most_spikes), (spikes, most));
        let events = account.events.as_ref().unwrap();
        assert_eq!((events.total, events.folded), (total, folded as u64));
        assert_eq!(
            (events.dropped_before, events.dropped_after),
            (0, total - spikes)
        );
        assert_eq!(
            events.dropped_share,
            Some((total - spikes) as f64 / total as f64)
        );
        assert_eq!((account.samples, account.empty), (300, empty));
        assert_eq!(
            survey.steps.iter().map(|(_, count)| count).sum::<u64>(),
            spikes
        );
        assert_eq!(
            survey
                .steps
                .smallest()
                .zip(survey.steps.largest())
                .map(|(a, b)| [a, b]),
            account.steps
        );
        assert_eq!(account.classes_without_samples, [5, 6]);
        assert_eq!(
            (account.largest_label, events.largest_unit),
            (Some(4), survey.units.largest())
        );
        if steps == 10 {
            assert_eq!(events.emptied, late);
        }
    }
}

#[test]
fn a_survey_does_not_depend_on_threads() {
    let samples: Samples = Arc::new(recordings());
    let encoding = Encoding::events(UNITS, 100, 2.0).unwrap();
    let survey = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| Survey::of(&samples, &encoding, 5).unwrap())
    };
    assert_eq!(survey(1), survey(5));
}

#[test]
fn values_are_counted_as_they_are_loaded() {
    let samples: Samples = Arc::new(YinYang::new(500, 1));
    let encoding = Encoding::new(50).unwrap();
    let survey = Survey::of(&samples, &encoding, 3).unwrap();
    assert_eq!(
        (survey.account.spikes, survey.most_spikes),
        loaded(&samples, &encoding)
    );
    assert_eq!((survey.account.samples, survey.account.empty), (500, 0));
    assert_eq!(survey.account.events, None);
    assert_eq!(survey.shared_with(&survey), 500);
    let other: Samples = Arc::new(YinYang::new(500, 2));
    let other = Survey::of(&other, &encoding, 3).unwrap();
    assert_eq!(survey.shared_with(&other), 0);
}

#[test]
fn nothing_is_found_in_nothing() {
    let nothing: Samples = Arc::new(Recordings::default());
    let encoding = Encoding::events(UNITS, 100, 2.0).unwrap();
    let survey = Survey::of(&nothing, &encoding, 2).unwrap();
    let account = &survey.account;
    assert_eq!(
        (account.samples, account.steps, account.largest_label),
        (0, None, None)
    );
    let events = account.events.as_ref().unwrap();
    assert_eq!((events.dropped_share, events.first_time), (None, None));
    assert_eq!((survey.typical, survey.shared_with(&survey)), (None, 0));
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let of = |label, input| -> Samples {
        let index = 0;
        Arc::new(InMemDataset::new(vec![Sample {
            index,
            label,
            input,
        }]))
    };
    let encoding = Encoding::events(UNITS, 100, 2.0).unwrap();
    let recording = |time| {
        Input::Events(Recording {
            units: vec![1],
            times: vec![time],
        })
    };
    for bad in [-1.0, f32::NAN, f32::INFINITY] {
        let error = Survey::of(&of(0, recording(bad)), &encoding, 2).unwrap_err();
        assert!(matches!(error, DataError::EventTime { .. }), "{error}");
    }
    let error = Survey::of(&of(2, recording(0.1)), &encoding, 2).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a sample's label is 2, expected less than 2"),
        "{error}"
    );
    let error = Survey::of(&of(0, recording(0.1)), &Encoding::new(3).unwrap(), 2).unwrap_err();
    assert!(error.to_string().contains("expected values"), "{error}");
}
