//! Downloads over HTTP: resumed where they stopped, tried again where that may help.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::thread;

use ureq::http::{Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Timeout};

use super::entry::Identity;
use super::failure::Failure;
use super::files::{cannot_write, length, remove};
use super::links::{content_range, host, is_loopback, one_line};
use super::options::Options;
use super::progress::Progress;

/// The most that is written where the size is unknown. The largest file has about 1.2 GB.
const SIZE_LIMIT: u64 = 4 << 30;
/// An attempt that brought this much does not count as a failed one.
const HEADWAY: u64 = 1 << 20;
const REDIRECTS: u32 = 5;

/// Why a link is not even tried.
pub(super) const NOT_REACHED: &str = "its host was not reached before";

/// Why an attempt ended.
enum Stop {
    /// It may go better the next time.
    Transient(String),
    /// The mirror, or its host altogether, is of no use.
    Final {
        why: String,
        host_is_down: bool,
    },
    /// The part cannot be continued, and is gone.
    Restart,
    Failure(Failure),
}

impl From<crate::DataError> for Stop {
    fn from(error: crate::DataError) -> Self {
        Self::Failure(error.into())
    }
}

/// Downloads with the same settings. Proxies come from the environment.
pub(super) struct Client<'a> {
    agent: Agent,
    options: &'a Options,
    /// Hosts that could not be reached, not to wait for them once for every file.
    down: HashSet<String>,
    answered: bool,
}

impl<'a> Client<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .user_agent(concat!("block-data/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.stall_timeout))
            .timeout_per_read(Some(options.stall_timeout))
            .timeout_per_write(Some(options.stall_timeout));
        Self {
            agent: config.build().new_agent(),
            options,
            down: HashSet::new(),
            answered: false,
        }
    }

    /// Whether hosts were asked and none could be reached.
    pub(super) fn is_cut_off(&self) -> bool {
        !self.answered && !self.down.is_empty()
    }

    /// Downloads into `part`, going on where the part stops. Returns whether some of it was there before.
    ///
    /// What was downloaded stays in `part`, also on failure, to be resumed.
    pub(super) fn download(
        &mut self,
        url: &str,
        part: &Path,
        expected: &Identity,
        progress: &mut dyn Progress,
    ) -> Result<bool, Failure> {
        if self.down.contains(host(url)) {
            return Err(Failure::Mirror(NOT_REACHED.into()));
        }
        let (mut failed, mut restarts, mut resumed) = (0, 0, false);
        let mut longest = length(part);
        loop {
            resumed |= length(part) > 0;
            let stop = match self.attempt(url, part, expected, progress) {
                Ok(()) => return Ok(resumed),
                Err(stop) => stop,
            };
            match stop {
                Stop::Restart if restarts == self.options.retries.max(1) => {
                    let why = "does not send a range of the file".to_string();
                    return Err(Failure::Mirror(why));
                }
                Stop::Restart => {
                    restarts += 1;
                    resumed = false;
                }
                Stop::Failure(failure) => return Err(failure),
                Stop::Final { why, host_is_down } => {
                    if host_is_down {
                        self.down.insert(host(url).to_string());
                    }
                    return Err(Failure::Mirror(why));
                }
                Stop::Transient(why) => {
                    if length(part) >= longest + HEADWAY {
                        longest = length(part);
                        failed = 0;
                    }
                    if failed == self.options.retries {
                        return Err(Failure::Mirror(why));
                    }
                    thread::sleep(self.options.backoff * 2_u32.pow(failed.min(5)));
                    failed += 1;
                }
            }
        }
    }

    fn attempt(
        &mut self,
        url: &str,
        part: &Path,
        expected: &Identity,
        progress: &mut dyn Progress,
    ) -> Result<(), Stop> {
        let start = length(part);
        if expected.size == Some(start) && start > 0 {
            return Ok(());
        }
        if expected.size.is_some_and(|size| start > size) {
            remove(part)?;
            return Err(Stop::Restart);
        }
        let mut request = self.agent.get(url);
        if is_loopback(url) {
            // A proxy would look for it on its own machine.
            request = request.config().proxy(None).build();
        }
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        let response = request.call().map_err(|error| self.stop(error))?;
        self.answered = true;
        let status = response.status();
        let range = content_range(&response);
        let (start, total) = match status.as_u16() {
            200 => (0, response.body().content_length()),
            206 if start > 0 && range.is_some_and(|(first, _)| first == Some(start)) => {
                (start, range.and_then(|(_, total)| total))
            }
            // Nothing is left to send: the part is the whole, if the total says so.
            416 if start > 0 && expected.size.is_none() && range == Some((None, Some(start))) => {
                return Ok(());
            }
            206 | 416 if start > 0 => {
                remove(part)?;
                return Err(Stop::Restart);
            }
            408 | 429 | 500..=599 => return Err(Stop::Transient(format!("HTTP {status}"))),
            _ => return Err(end(format!("HTTP {status}"))),
        };
        if let (Some(total), Some(size)) = (total, expected.size)
            && total != size
        {
            return Err(match start {
                0 => end(format!("announces {total} bytes, expected {size}")),
                // The part may be of another file; without it, the case above tells.
                _ => {
                    remove(part)?;
                    Stop::Restart
                }
            });
        }
        let name = part.file_stem().unwrap_or_default().to_string_lossy();
        progress.begin(&name, url, total.or(expected.size));
        progress.advance(start);
        let limit = expected.size.unwrap_or(SIZE_LIMIT);
        let result = self.receive(response, part, start, limit, progress);
        progress.end();
        let received = result?;
        match total.or(expected.size) {
            Some(total) if received < total => Err(Stop::Transient(format!(
                "ended after {received} of {total} bytes"
            ))),
            _ => Ok(()),
        }
    }

    /// Writes the body at `start`, where the part is cut off. Returns the length of the whole.
    fn receive(
        &self,
        response: Response<Body>,
        part: &Path,
        start: u64,
        limit: u64,
        progress: &mut dyn Progress,
    ) -> Result<u64, Stop> {
        let write = |source| Stop::from(cannot_write(part, source));
        let mut file = match start {
            0 => File::create(part),
            _ => File::options().append(true).open(part),
        }
        .map_err(write)?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut length = start;
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    let why = one_line(&error.to_string());
                    return Err(Stop::Transient(format!("{why} after {length} bytes")));
                }
            };
            length += count as u64;
            if length > limit {
                drop(file);
                remove(part)?;
                return Err(end(format!("sends more than {limit} bytes")));
            }
            file.write_all(&buffer[..count]).map_err(write)?;
            progress.advance(count as u64);
        }
        file.sync_all().map_err(write)?;
        Ok(length)
    }

    fn stop(&self, error: Error) -> Stop {
        let down = |why: String| Stop::Final {
            why,
            host_is_down: true,
        };
        match error {
            Error::HostNotFound | Error::Timeout(Timeout::Resolve) => {
                down("its host was not found".into())
            }
            Error::Timeout(Timeout::Connect) => {
                let seconds = self.options.connect_timeout.as_secs_f64();
                down(format!("no connection within {seconds} seconds"))
            }
            Error::Timeout(_) => {
                let seconds = self.options.stall_timeout.as_secs_f64();
                Stop::Transient(format!("no answer within {seconds} seconds"))
            }
            Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                down("connection refused".into())
            }
            Error::Io(error) => {
                let why = one_line(&error.to_string());
                match error.kind() {
                    ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut => Stop::Transient(why),
                    // No such name, no route, no network.
                    _ => down(why),
                }
            }
            Error::ConnectionFailed => down("connection failed".into()),
            Error::TooManyRedirects => end(format!("more than {REDIRECTS} redirects")),
            error => end(one_line(&error.to_string())),
        }
    }
}

fn end(why: String) -> Stop {
    Stop::Final {
        why,
        host_is_down: false,
    }
}
