//! How long one epoch takes to load, augment and encode; nothing is trained.
//!
//! ```text
//! cargo run -p block-data --example loading_speed -- [NAME] [STEPS]
//! ```
//!
//! Work: the whole training split in batches of 128, shuffled, with and without its augmentation.
//! All of it happens on the loader's one thread; the main thread waits for batches and drops them,
//! and waits for nothing else (batches are made on the CPU, so there is nothing to synchronise).

#![expect(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::time::Instant;

use block_data::{Encoding, Locations, SpikeLoader, open};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or("fashion-mnist".to_string());
    let steps = arguments.next().map_or(Ok(100), |steps| steps.parse())?;

    let start = Instant::now();
    let source = open(&name, &Locations::new(None))?;
    println!("{name}: opened in {:.2} s", start.elapsed().as_secs_f64());

    for augment in [false, true] {
        for epoch in 0..3 {
            let mut loader =
                SpikeLoader::new(source.train(), Encoding::new(steps)?, 128)?.with_shuffle(0);
            if augment && let Some(augmentation) = source.augmentation() {
                loader = loader.with_augmentation(augmentation.clone(), 0);
            }
            let start = Instant::now();
            let mut spikes = 0;
            for batch in loader.epoch(epoch) {
                spikes += batch?.input.into_events()?.spikes();
            }
            let seconds = start.elapsed().as_secs_f64();
            let each = seconds / loader.batches() as f64 * 1e3;
            println!(
                "augment {augment}: {} samples, {spikes} spikes in {seconds:.3} s, {each:.2} ms a batch",
                loader.len()
            );
        }
    }
    Ok(())
}
