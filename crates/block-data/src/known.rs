//! What is known of each data set before a file is read.

/// A data set that [`open`](crate::open) knows by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataSet {
    /// Its name in configs, and that of its folder.
    pub name: &'static str,
    /// The shape of a sample: channels, rows and columns of images, else one dimension.
    pub input_shape: &'static [usize],
    /// Classes.
    pub classes: usize,
    /// Samples for training and for the test.
    pub samples: [usize; 2],
    /// How its recordings are binned in time, unless a config says otherwise; none where samples are
    /// values.
    pub timing: Option<Timing>,
    /// Its licence.
    pub licence: &'static str,
    /// Whether there is an augmentation that training uses unless a config says otherwise.
    pub augmented: bool,
}

/// A binning of recordings in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Time steps.
    pub steps: usize,
    /// The length of a time step in milliseconds.
    pub dt: f32,
}

impl DataSet {
    /// Input units: values of a sample, or units that events come from.
    pub fn units(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// The data set of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        DATA_SETS.iter().find(|set| set.name == name)
    }
}

const IMAGE: &[usize] = &[1, 28, 28];

/// The data sets that [`open`](crate::open) knows, by name.
///
/// N-MNIST's sensor has two polarities, which are folded onto one unit a pixel.
pub static DATA_SETS: [DataSet; 8] = [
    DataSet {
        name: "cifar-10",
        input_shape: &[3, 32, 32],
        classes: 10,
        samples: [50_000, 10_000],
        timing: None,
        licence: "none stated",
        augmented: true,
    },
    DataSet {
        name: "fashion-mnist",
        input_shape: IMAGE,
        classes: 10,
        samples: [60_000, 10_000],
        timing: None,
        licence: "MIT",
        augmented: true,
    },
    DataSet {
        name: "mnist",
        input_shape: IMAGE,
        classes: 10,
        samples: [60_000, 10_000],
        timing: None,
        licence: "CC BY-SA 3.0",
        augmented: true,
    },
    DataSet {
        name: "n-mnist",
        input_shape: &[34, 34],
        classes: 10,
        samples: [60_000, 10_000],
        timing: Some(Timing {
            steps: 300,
            dt: 1.0,
        }),
        licence: "CC BY-SA 4.0",
        augmented: false,
    },
    DataSet {
        name: "shd",
        input_shape: &[700],
        classes: 20,
        samples: [8_156, 2_264],
        timing: Some(Timing {
            steps: 500,
            dt: 2.0,
        }),
        licence: "CC BY 4.0",
        augmented: false,
    },
    DataSet {
        name: "ssc",
        input_shape: &[700],
        classes: 35,
        samples: [75_466, 20_382],
        timing: Some(Timing {
            steps: 500,
            dt: 2.0,
        }),
        licence: "CC BY 4.0",
        augmented: false,
    },
    DataSet {
        name: "synthetic",
        input_shape: &[1_000],
        classes: 10,
        samples: [1_408, 128],
        timing: Some(Timing {
            steps: 128,
            dt: 1.0,
        }),
        licence: "none needed",
        augmented: false,
    },
    DataSet {
        name: "yin-yang",
        input_shape: &[4],
        classes: 3,
        samples: [20_000, 10_000],
        timing: None,
        licence: "none needed",
        augmented: false,
    },
];
