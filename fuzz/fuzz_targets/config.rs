//! Configs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner::Config;

fuzz_target!(|text: &str| {
    let _ = Config::parse(text, "a", &[]);
});
