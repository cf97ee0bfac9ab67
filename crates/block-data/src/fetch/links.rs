//! Parts of links and of what servers say.

use ureq::Body;
use ureq::http::{Response, header};

/// A text without line breaks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Scheme, host and port of a link.
pub(super) fn host(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..].find('/');
    &url[..end.map_or(url.len(), |end| after_scheme + end)]
}

/// Whether a link is to this machine.
pub(super) fn is_loopback(url: &str) -> bool {
    let (_, authority) = host(url).split_once("://").unwrap_or_default();
    let name = authority
        .rsplit_once(':')
        .map_or(authority, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost")
}

/// First byte and total of a `Content-Range`, each as far as it is stated: `bytes 5-9/10` or
/// `bytes */10`.
pub(super) fn content_range(response: &Response<Body>) -> Option<(Option<u64>, Option<u64>)> {
    let value = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let first = range
        .split_once('-')
        .and_then(|(first, _)| first.parse().ok());
    Some((first, total.parse().ok()))
}
