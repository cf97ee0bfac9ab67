//! What is not wrong, but probably not meant: a training goes on, and its results may mean little.

use std::cmp::Ordering;
use std::collections::HashMap;

use block_data::{
    Account, DataSet, EventAccount, Input, MUCH_LONGER, Samples, Survey, Tally, counted,
    folds_polarities,
};

use crate::plan::Plan;
use crate::splits::{Split, Surveys};

/// A share of events or recordings beyond which their loss is doubtful.
const TENTH: f64 = 0.1;
/// A share of the inputs that never have a spike, from which on that is doubtful.
const QUARTER: f64 = 0.25;
/// So many times the share that is to be expected is more than chance.
const BY_CHANCE: f64 = 2.0;
/// A share of events beyond which they are as good as all of them.
const NEARLY_ALL: f64 = 0.9;
/// Times so many times as long are in another unit: a minute has 60 seconds.
const ANOTHER_UNIT: f32 = 30.0;

impl Plan {
    /// What is doubtful about the splits, one sentence each.
    pub fn doubts(&self, surveys: &Surveys) -> Vec<String> {
        let of_run = [self.without_effect(), self.not_whole()];
        let mut doubts: Vec<_> = of_run.into_iter().flatten().collect();
        doubts.extend_from_slice(self.source.doubts());
        for (split, survey) in surveys.iter() {
            let one = OfOne::new(self, survey, surveys.get(Split::Train));
            doubts.extend(one.all().map(|doubt| format!("{split} split: {doubt}")));
        }
        if let Some(train) = surveys.get(Split::Train) {
            for (split, survey) in surveys.iter().filter(|(split, _)| *split != Split::Train) {
                doubts.extend(between(self, train, split, survey));
            }
        }
        doubts
    }

    /// A setting that changes nothing.
    fn without_effect(&self) -> Option<String> {
        (self.config.model.skip && self.network.hidden.len() == 1).then(|| {
            "model.skip has no effect: the first hidden layer's input is not added, and there is no other layer"
                .to_string()
        })
    }

    /// A unit or a label that makes the network much larger than the others do.
    pub(crate) fn strays(&self, surveys: &Surveys) -> Option<String> {
        let strays = surveys.iter().filter_map(|(split, survey)| {
            let one = OfOne::new(self, survey, None);
            let stray = one.stray_unit().or_else(|| one.stray_label())?;
            Some(format!("{split} split: {stray}"))
        });
        strays.reduce(|all, one| format!("{all}; {one}"))
    }

    /// A part of a known data set.
    fn not_whole(&self) -> Option<String> {
        let set = DataSet::named(self.source.name())?;
        let [train, test] = [self.source.train().len(), self.source.test().len()];
        let [all_train, all_test] = set.samples;
        ([train, test] != set.samples).then(|| {
            format!(
                "{} is not whole: {} and {}, expected {all_train} and {all_test}",
                set.name,
                counted(train, "training sample"),
                counted(test, "test sample")
            )
        })
    }
}

/// A split to be judged.
struct OfOne<'a> {
    plan: &'a Plan,
    survey: &'a Survey,
    account: &'a Account,
    /// The training split.
    train: Option<&'a Survey>,
}

impl<'a> OfOne<'a> {
    fn new(plan: &'a Plan, survey: &'a Survey, train: Option<&'a Survey>) -> Self {
        Self {
            plan,
            survey,
            account: &survey.account,
            train,
        }
    }

    fn all(&self) -> impl Iterator<Item = String> {
        let of_events = self.account.events.as_ref().map(|events| {
            [
                self.dropped(events),
                self.far_from_zero(events),
                self.much_longer(),
                self.folded(events),
                self.units_numbered_from_one(events),
                self.units_far_from_zero(events),
                self.stray_unit(),
            ]
        });
        let of_all = [
            self.without_input(),
            self.one_step(),
            self.labels_numbered_from_one(),
            self.labels_far_from_zero(),
            self.stray_label(),
            self.one_class(),
        ];
        of_all
            .into_iter()
            .chain(of_events.into_iter().flatten())
            .flatten()
    }

    /// Samples from which nothing reaches the network.
    fn without_input(&self) -> Option<String> {
        let Account { samples, empty, .. } = *self.account;
        let most = |number: usize| number as f64 > TENTH * samples as f64;
        match &self.account.events {
            None => most(empty).then(|| {
                let samples = counted(samples, "sample");
                format!("{empty} of its {samples} {} blank, with values of 0 alone", be(empty))
            }),
            Some(EventAccount { emptied: 0, .. }) => {
                let recordings = counted(samples, "recording");
                most(empty).then(|| format!("{empty} of its {recordings} {} no event", have(empty)))
            }
            Some(EventAccount { emptied, .. }) => most(empty + emptied).then(|| {
                format!(
                    "no input comes from {} of its {}: {empty} {} no event, {emptied} {} none within the time steps",
                    empty + emptied,
                    counted(samples, "recording"),
                    have(empty),
                    have(*emptied)
                )
            }),
        }
    }

    /// The window in milliseconds.
    fn window(&self) -> f64 {
        let encode = &self.plan.config.encode;
        encode.steps as f64 * encode.dt.unwrap_or(1.0)
    }

    fn dropped(&self, events: &EventAccount) -> Option<String> {
        let share = events.dropped_share.filter(|&share| share > TENTH)?;
        let (first, last) = (events.first_time?, events.last_time?);
        let (dropped, total, window) = (events.dropped(), events.total, self.window());
        let remedy = match self.is_far_from_zero(events) {
            true => String::new(),
            false => format!("; {}", self.other_unit(last)),
        };
        Some(format!(
            "{:.1} % of its events ({dropped} of {total}) come outside of the {window} ms of encode.steps · encode.dt \
             and are dropped: the times go from {first} to {last} s, each counts for the nearest time step, and the last \
             step ends at {} ms{remedy}",
            100.0 * share,
            window * (1.0 - 0.5 / self.plan.config.encode.steps as f64)
        ))
    }

    /// The unit of which the recordings would fit into the window, as a question, or what keeps their events.
    fn other_unit(&self, last: f32) -> &'static str {
        let end = f64::from(self.survey.typical.map_or(last, |typical| typical.end));
        let window = self.window() / 1e3;
        // From a fiftieth of the window up to twice as long.
        let fits = |scale: f64| (window / 50.0..=2.0 * window).contains(&(end / scale));
        match [1.0, 1e3, 1e6, 1e9].map(fits) {
            [false, true, _, _] => {
                "are the times in milliseconds, where seconds are expected, or is encode.dt in seconds, where \
                 milliseconds are?"
            }
            [false, false, true, _] => "are the times in microseconds? Seconds are expected",
            [false, false, false, true] => "are the times in nanoseconds? Seconds are expected",
            _ => "a larger encode.steps or encode.dt keeps them",
        }
    }

    /// Whether the recordings begin so late that their times count from elsewhere.
    fn is_far_from_zero(&self, events: &EventAccount) -> bool {
        let window = (self.window() / 1e3) as f32;
        let (Some(first), Some(last), Some(typical)) =
            (events.first_time, events.last_time, self.survey.typical)
        else {
            return false;
        };
        let all = first > last - first && first > window / 2.0;
        // Each recording may lie elsewhere.
        let most =
            typical.length > 0.0 && typical.begin > typical.length && typical.begin > 2.0 * window;
        all || most
    }

    fn far_from_zero(&self, events: &EventAccount) -> Option<String> {
        let (first, typical) = (events.first_time?, self.survey.typical?);
        let window = self.window();
        self.is_far_from_zero(events).then(|| {
            let apart = typical.begin.next_up() - typical.begin;
            let dt = self.plan.config.encode.dt.unwrap_or(1.0);
            let blurred = match f64::from(apart) * 1e3 > dt {
                true => format!("; so late, times in float32 are {apart} s apart"),
                false => String::new(),
            };
            format!(
                "its times count from an origin far from 0: the first event comes at {first} s, a recording typically \
                 begins at {} s and lasts {} s, and the window has {window} ms{blurred}; subtract the origin from the \
                 times in the file",
                typical.begin, typical.length
            )
        })
    }

    /// Some recordings of another unit of time, or a stray time.
    fn much_longer(&self) -> Option<String> {
        let ((number, longest), typical) = (self.survey.much_longer, self.survey.typical?);
        (number > 0).then(|| {
            format!(
                "{number} of its {} {} more than {MUCH_LONGER} times as long as is typical, up to {longest} s instead of {} s: \
                 are their times in another unit, or is one of the times a stray?",
                counted(self.account.samples, "recording"),
                if number == 1 { "lasts" } else { "last" },
                typical.length
            )
        })
    }

    fn one_step(&self) -> Option<String> {
        let encode = &self.plan.config.encode;
        let (steps, spikes) = (encode.steps, self.account.spikes);
        let [first, last] = self.account.steps?;
        if self.account.events.is_none() {
            return (first == last)
                .then(|| format!("all of its spikes fall into time step {first} of {steps}"));
        }
        let (step, most) = self.survey.steps.iter().max_by_key(|&(_, count)| count)?;
        (most as f64 > NEARLY_ALL * spikes as f64).then(|| {
            let percent = 100.0 * most as f64 / spikes as f64;
            let lasts = self.survey.typical.map_or(0.0, |typical| typical.length);
            let dt = encode.dt.unwrap_or(1.0);
            // Where a recording has one moment, or most of it was cut off, its length tells nothing of units.
            let cut = self.account.events.as_ref().and_then(|events| events.dropped_share);
            let question = match lasts > 0.0 && cut.is_none_or(|share| share <= TENTH) {
                true => "; are the times in seconds and encode.dt in milliseconds?",
                false => "",
            };
            format!(
                "{percent:.1} % of its events that are kept fall into one time step, {step} of {steps}: a recording \
                 typically lasts {lasts} s and a step {dt} ms (encode.dt){question}"
            )
        })
    }

    /// Units that the network does not have, other than those of the usual fold of two polarities.
    fn folded(&self, events: &EventAccount) -> Option<String> {
        let (units, largest) = (self.plan.source.units(), events.largest_unit?);
        let usual = folds_polarities(units, largest) || self.are_units_numbered_from_one(events);
        (events.folded > 0 && !usual).then(|| {
            let percent = 100.0 * events.folded as f64 / events.total as f64;
            format!(
                "{} in the file, folded onto {units}: unit {units} becomes unit 0 and so on, which affects \
                 {percent:.1} % of its events; data.units says how many there are",
                counted(u64::from(largest) + 1, "unit")
            )
        })
    }

    /// Whether a split's numbers go from 1 on, also if that is not so in the training split.
    fn numbered_from_one(&self, of: fn(&Survey) -> &Tally) -> bool {
        let (own, train) = (of(self.survey), self.train.map(of));
        let elsewhere = train.is_some_and(|train| train.smallest() == Some(0));
        own.smallest() == Some(1) && (!elsewhere || own.largest() > train.and_then(Tally::largest))
    }

    fn are_units_numbered_from_one(&self, events: &EventAccount) -> bool {
        let Some(largest) = events.largest_unit else {
            return false;
        };
        let used = self.survey.units.iter().count();
        let whole = used as f64 >= NEARLY_ALL * f64::from(largest) && largest > 1;
        match largest as usize == self.plan.source.units() {
            true => self.survey.units.count(0) == Some(0),
            false => whole && self.numbered_from_one(|survey| &survey.units),
        }
    }

    fn units_numbered_from_one(&self, events: &EventAccount) -> Option<String> {
        let (units, largest) = (self.plan.source.units(), events.largest_unit?);
        self.are_units_numbered_from_one(events).then(|| {
            let so = match largest as usize == units {
                true => format!("Unit {largest} becomes unit 0"),
                false => "Unit 0 never fires".to_string(),
            };
            format!(
                "its units go up to {largest} and none is 0: are they numbered from 1? {so}; numbers from 0 are expected"
            )
        })
    }

    fn labels_numbered_from_one(&self) -> Option<String> {
        let largest = self.account.largest_label?;
        let used = self.survey.labels.iter().count();
        // Of more than half of the classes, so no mere choice of some.
        let most = 2 * used > largest as usize;
        (most && self.numbered_from_one(|survey| &survey.labels)).then(|| {
            format!(
                "its labels go from 1 to {largest} and none is 0: are they numbered from 1? Class 0 has no samples; \
                 numbers from 0 are expected"
            )
        })
    }

    /// Whether it is the split that a network's inputs and classes are learned on.
    fn is_training(&self) -> bool {
        self.train
            .is_some_and(|train| std::ptr::eq(train, self.survey))
    }

    fn units_far_from_zero(&self, events: &EventAccount) -> Option<String> {
        let (least, largest) = (self.survey.units.smallest()?, events.largest_unit?);
        let unused = f64::from(least) / (f64::from(largest) + 1.0);
        // Folded ones are said to be folded. The border of a sensor may be silent, in two or three of a hundred rows.
        let far = unused >= QUARTER && (largest as usize) < self.plan.source.units();
        (far && least > 1 && self.is_training()).then(|| {
            format!(
                "its units go from {least} to {largest}, so the inputs 0 to {} never have a spike: does their numbering \
                 begin elsewhere than at 0? Then subtract {least} from all units in the files",
                least - 1
            )
        })
    }

    fn labels_far_from_zero(&self) -> Option<String> {
        let (least, largest) = (
            self.survey.labels.smallest()?,
            self.survey.labels.largest()?,
        );
        // Some classes of a larger set are a choice.
        let far = 2 * u64::from(least) > u64::from(largest) && least > 1;
        let classes = self.survey.labels.iter().nth(1).is_some();
        (far && classes && self.is_training()).then(|| {
            format!(
                "its labels go from {least} to {largest}, so the classes 0 to {} have no samples: does their numbering begin \
                 elsewhere than at 0? Then subtract {least} from all labels in the files",
                least - 1
            )
        })
    }

    fn stray_unit(&self) -> Option<String> {
        let units = self.plan.source.units();
        let stray = Stray::of(&self.survey.units)?;
        let so = match (stray.largest as usize + 1).cmp(&units) {
            // The units are more than those of the file, so somebody knows them.
            Ordering::Less => return None,
            Ordering::Equal => {
                format!("There are {units} inputs for it; data.units says how many there should be")
            }
            Ordering::Greater if folds_polarities(units, stray.largest) => return None,
            Ordering::Greater => format!("It is folded onto {}", counted(units, "unit")),
        };
        Some(format!("its largest unit is {} {so}", stray.text("event")))
    }

    fn stray_label(&self) -> Option<String> {
        let stray = Stray::of(&self.survey.labels)?;
        let classes = self.plan.source.classes();
        Some(format!(
            "its largest label is {} There are {classes} classes; data.classes says how many there should be",
            stray.text("sample")
        ))
    }

    fn one_class(&self) -> Option<String> {
        let mut labels = self.survey.labels.iter();
        let ((label, samples), None) = (labels.next()?, labels.next()) else {
            return None;
        };
        Some(match samples {
            1 => format!("it has one sample only, of class {label}"),
            _ => format!("all of its {samples} samples are of class {label}"),
        })
    }
}

/// Rare numbers far beyond all others.
struct Stray {
    largest: u32,
    next: u32,
    count: u64,
    total: u64,
}

impl Stray {
    /// Numbers more than twice as large as the next, and rare: one occurrence, or one in twenty.
    fn of(numbers: &Tally) -> Option<Self> {
        let largest = numbers.largest()?;
        let total = numbers.iter().map(|(_, count)| count).sum();
        let below = numbers.iter().rev().skip(1);
        let mut count = 0;
        let gaps = numbers.iter().rev().zip(below);
        let gaps = gaps.map(|((above, found), (below, _))| {
            count += found;
            (above, below, count)
        });
        let is_far = |above: u32, below: u32| u64::from(above) > 2 * u64::from(below) + 1;
        let rare = gaps.take_while(|&(_, _, count)| count == 1 || 20 * count <= total);
        let (_, next, count) = rare
            .filter(|&(above, below, _)| is_far(above, below))
            .last()?;
        Some(Self {
            largest,
            next,
            count,
            total,
        })
    }

    /// With what the numbers belong to.
    fn text(&self, of: &str) -> String {
        let Self {
            largest,
            next,
            count,
            total,
        } = self;
        format!(
            "{largest}, the next largest {next} ({count} of its {} {} beyond that); is it a stray?",
            counted(*total, of),
            if *count == 1 { "lies" } else { "lie" }
        )
    }
}

/// The share of the events of recordings that are of units which fire in no other recording: about as large a share of a new
/// recording's events is of units that never fired.
fn share_alone(samples: &Samples) -> f64 {
    // The recording that a unit fires in, if it is one, and how often.
    let mut units: HashMap<u32, (Option<usize>, u64)> = HashMap::new();
    let mut total = 0;
    for index in 0..samples.len() {
        // What cannot be had was told by the survey.
        let Ok(Input::Events(recording)) = samples.get(index).map(|sample| sample.input) else {
            continue;
        };
        total += recording.units.len() as u64;
        for unit in recording.units {
            let (only, events) = units.entry(unit).or_insert((Some(index), 0));
            *only = only.filter(|&only| only == index);
            *events += 1;
        }
    }
    let alone = units.values().filter(|(only, _)| only.is_some());
    let alone: u64 = alone.map(|(_, events)| events).sum();
    match total {
        0 => 0.0,
        total => alone as f64 / total as f64,
    }
}

fn be(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn have(number: usize) -> &'static str {
    if number == 1 { "has" } else { "have" }
}

/// What is doubtful about a split beside the training split.
fn between(plan: &Plan, train: &Survey, split: Split, survey: &Survey) -> Vec<String> {
    let mut doubts = Vec::new();
    let account = &survey.account;
    let new = |&label: &u32| train.labels.count(label) == Some(0);
    let labels = survey.labels.iter().map(|(label, _)| label);
    let new: Vec<_> = labels.filter(new).map(|label| label.to_string()).collect();
    if !new.is_empty() {
        doubts.push(format!(
            "{split} split: it has samples of class {}, of which the training split has none",
            new.join(", ")
        ));
    }
    if let Some(events) = &account.events {
        let unknown = survey.units.iter();
        let unknown = unknown.filter(|&(unit, _)| train.units.count(unit) == Some(0));
        let unknown: u64 = unknown.map(|(_, count)| count).sum();
        let share = unknown as f64 / events.total as f64;
        // Of few recordings each has units of its own, and a new one too.
        if share > TENTH && share > BY_CHANCE * share_alone(plan.training_samples()) {
            let percent = 100.0 * share;
            doubts.push(format!(
                "{split} split: {percent:.1} % of its events are of units that never fire in the training split"
            ));
        }
    }
    if let (Some(one), Some(other)) = (train.typical, survey.typical) {
        // Lengths do not depend on the origin of the times, which has a line of its own.
        let (least, most) = (one.length.min(other.length), one.length.max(other.length));
        if least > 0.0 && most > ANOTHER_UNIT * least {
            doubts.push(format!(
                "the training and the {split} split seem to be in different units of time: a recording typically lasts \
                 {} s in the one and {} s in the other; seconds are expected in both",
                one.length, other.length
            ));
        }
    }
    let (shared, with_input) = (survey.shared_with(train), account.samples - account.empty);
    if shared as f64 > TENTH * with_input as f64 {
        let content = match shared == with_input {
            true => "all of its samples are training samples too".to_string(),
            false => format!(
                "{shared} of its {with_input} samples {} in the training split too",
                be(shared)
            ),
        };
        doubts.push(format!(
            "{split} split: {content}, so accuracy there says little of new ones; is it the same file?"
        ));
    }
    doubts
}
