//! The logs of a run that goes on: they are cut to its checkpoint, and what they lack of it is said. The checkpoint alone
//! decides whether the run goes on.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use block_data::{counted, ranges};
use serde::de::DeserializeOwned;

use crate::error::{Result, RunnerError};
use crate::files::Log;
use crate::metrics::{BatchTimes, EpochRecord};
use crate::position::Position;
use crate::run_folder::{BATCHES, EPOCHS, RunFolder, UNREADABLE_LOGS};

/// Epoch and batch of a line, each from 1; a line of an epoch has batch 0.
type Place = [usize; 2];

pub(crate) struct Logs {
    pub epochs: Log,
    pub batches: Log,
    /// What they lack, a sentence without its end each.
    pub missing: Vec<String>,
}

impl Logs {
    /// Opens both as far as the position goes; lines that are none are kept under another name.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Read`], [`RunnerError::Write`].
    pub(crate) fn go_on(folder: &RunFolder, position: &Position) -> Result<Self> {
        let finished = position.epochs;
        let epoch = |record: &EpochRecord| [record.epoch, 0];
        let of_epochs = File {
            folder,
            names: [EPOCHS, UNREADABLE_LOGS[0]],
            length: position.epochs_length,
            end: [finished, 0],
        };
        let (epochs, lost_epochs) = of_epochs.open(epoch, |places| {
            let there: BTreeSet<_> = places.iter().map(|[epoch, _]| *epoch).collect();
            let lost: Vec<_> = (1..=finished).filter(|one| !there.contains(one)).collect();
            match lost.len() {
                1 => format!("there is no line of epoch {}", ranges(&lost)),
                _ => format!("there are no lines of epochs {}", ranges(&lost)),
            }
        })?;
        let batch = |record: &BatchTimes| [record.epoch, record.batch];
        let of_batches = File {
            folder,
            names: [BATCHES, UNREADABLE_LOGS[1]],
            length: position.batches_length,
            end: [finished + 1, position.batches],
        };
        let (batches, lost_batches) = of_batches.open(batch, |places| match places.last() {
            Some([epoch, batch]) => format!(
                "there are {}, the last of epoch {epoch}, batch {batch}",
                counted(places.len(), "line")
            ),
            None => "there is no line".to_string(),
        })?;
        Ok(Self {
            epochs,
            batches,
            missing: lost_epochs.into_iter().chain(lost_batches).collect(),
        })
    }
}

/// A log and where it should end.
struct File<'a> {
    folder: &'a RunFolder,
    /// The log's, and that of a copy of one that is damaged.
    names: [&'static str; 2],
    /// Bytes by the checkpoint.
    length: u64,
    /// The last line's place by the checkpoint.
    end: Place,
}

impl File<'_> {
    /// Opens it; what it lacks, if it is not as the checkpoint says, with what `there` says of the lines that are left.
    fn open<T: DeserializeOwned>(
        &self,
        place: impl Fn(&T) -> Place,
        there: impl Fn(&[Place]) -> String,
    ) -> Result<(Log, Option<String>)> {
        let [name, unreadable] = self.names;
        let path = self.folder.file(name);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|source| RunnerError::Read {
                path: path.clone(),
                source,
                expected: "a log of the run; where it was moved away, --resume goes on without it",
            })?,
        };
        let parse = |line: &[u8]| serde_json::from_slice(line).ok().map(|line| place(&line));
        let wanted = usize::try_from(self.length).unwrap_or(usize::MAX);
        let whole = bytes.get(..wanted).is_some_and(|bytes| {
            let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
            lines.all(|line| line.ends_with(b"\n") && parse(line).is_some())
        });
        if whole {
            return Ok((Log::open(path, self.length)?, None));
        }
        let (mut kept, mut places, mut damaged) = (Vec::new(), Vec::new(), 0_usize);
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            match parse(line).filter(|_| line.ends_with(b"\n")) {
                Some(place) if place <= self.end => {
                    kept.extend(line);
                    places.push(place);
                }
                Some(_) => (),
                None => damaged += 1,
            }
        }
        let mut said = format!(
            "{} lacks lines, lost by a crash or in a copy: found {}, expected the {} of the checkpoint; {}",
            path.display(),
            counted(bytes.len(), "byte"),
            self.length,
            there(&places)
        );
        if damaged > 0 {
            self.folder.write(unreadable, &bytes)?;
            said += &format!("; with what is no line it is kept as {unreadable}");
        }
        self.folder.write(name, &kept)?;
        Ok((Log::open(path, kept.len() as u64)?, Some(said)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize) -> String {
        format!(
            "{{\"epoch\":{epoch},\"learning_rate\":0.1,\"hidden_spikes_by_layer\":[],\"best\":true,\"train_seconds\":1.0,\
             \"wait_seconds\":0.0}}\n"
        )
    }

    fn batch(epoch: usize, batch: usize) -> String {
        format!(
            "{{\"epoch\":{epoch},\"batch\":{batch},\"loss\":1,\"forward_seconds\":0.1,\"backward_seconds\":0.2}}\n"
        )
    }

    #[test]
    fn what_is_there_is_kept_and_what_is_not_is_said() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        let epochs: Vec<_> = (1..=5).map(epoch).collect();
        let batches = [batch(5, 1), batch(5, 2), batch(6, 1), batch(6, 2)];
        let position = Position {
            epochs: 5,
            batches: 1,
            epochs_length: epochs.concat().len() as u64,
            batches_length: batches[..3].concat().len() as u64,
            ..Position::start(0.1)
        };
        let go_on = |of_epochs: &str, of_batches: &str| {
            folder.write(EPOCHS, of_epochs.as_bytes()).unwrap();
            folder.write(BATCHES, of_batches.as_bytes()).unwrap();
            let logs = Logs::go_on(&folder, &position).unwrap();
            let left = [EPOCHS, BATCHES].map(|name| fs::read_to_string(folder.file(name)).unwrap());
            let lengths = [logs.epochs.length(), logs.batches.length()];
            assert_eq!(lengths, left.each_ref().map(|text| text.len() as u64));
            (left, logs.missing)
        };
        let whole = [epochs.concat(), batches[..3].concat()];
        // What came after the checkpoint is cut off.
        let longer = epochs.concat() + &epoch(6) + "{\"epoch\":";
        assert_eq!(go_on(&longer, &batches.concat()), (whole.clone(), vec![]));

        let cut = epochs.concat();
        let (left, missing) = go_on(&cut[..cut.len() - 5], &batches[..2].concat());
        assert_eq!(left, [epochs[..4].concat(), batches[..2].concat()]);
        let [of_epochs, of_batches] = &missing[..] else {
            panic!("{missing:?}")
        };
        assert!(of_epochs.ends_with(
            "no line of epoch 5; with what is no line it is kept as epochs-unreadable.jsonl"
        ));
        assert!(of_batches.ends_with("there are 2 lines, the last of epoch 5, batch 2"));

        // Zeros, as a file system leaves them after a crash, and a line in between that is missing.
        let zeros =
            epochs[0].clone() + &"\0".repeat(40) + "\n" + &epochs[3] + &epochs[4] + &epoch(6);
        let (left, missing) = go_on(&zeros, &whole[1]);
        assert_eq!(
            left,
            [
                [&epochs[..1], &epochs[3..]].concat().concat(),
                whole[1].clone()
            ]
        );
        assert!(
            missing.len() == 1 && missing[0].contains("no lines of epochs 2, 3; "),
            "{missing:?}"
        );
        assert_eq!(
            fs::read(folder.file(UNREADABLE_LOGS[0])).unwrap(),
            zeros.as_bytes()
        );

        for name in [EPOCHS, BATCHES] {
            folder.remove(name).unwrap();
        }
        let missing = Logs::go_on(&folder, &position).unwrap().missing;
        assert!(
            missing[0].contains("found 0 bytes") && missing[0].ends_with("no lines of epochs 1-5")
        );
        assert!(missing[1].ends_with("there is no line"), "{missing:?}");
    }
}
