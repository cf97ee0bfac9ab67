//! A small HTTP server on loopback that behaves well or badly, as scripted.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    /// The body, or the range of it that is asked for.
    Body(Vec<u8>),
    /// The whole body, whatever is asked for.
    NoRange(Vec<u8>),
    /// As `Body`, but the connection ends at this byte of the body.
    Cut(Vec<u8>, usize),
    /// As `Body`, but nothing comes after this byte of the body.
    Stall(Vec<u8>, usize),
    /// As `Body`, in pieces of this size, with a pause after each.
    Slow(Vec<u8>, usize, Duration),
    /// As `Body`, without saying how long it is.
    Unannounced(Vec<u8>),
    /// Only a status.
    Status(u16),
    /// Elsewhere.
    Redirect(String),
}

/// A request: its path and the first byte asked for, if it is for a range.
pub(crate) type Request = (String, Option<usize>);

#[derive(Default)]
struct Script {
    /// What is left to answer for each path; the last answer is repeated.
    replies: HashMap<String, Vec<Reply>>,
    requests: Vec<Request>,
}

pub(crate) struct Server {
    address: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = script.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = shared.clone();
                // A client that hangs up is part of the game.
                thread::spawn(move || drop(answer(stream, &script)));
            }
        });
        Self { address, script }
    }

    /// A server that knows one path, and the link to it.
    pub(crate) fn with(replies: &[Reply]) -> (Self, String) {
        let server = Self::new();
        let url = server.on("/file", replies);
        (server, url)
    }

    /// Answers a path with these replies in turn; the link to it.
    pub(crate) fn on(&self, path: &str, replies: &[Reply]) -> String {
        let mut script = self.script.lock().unwrap();
        script.replies.insert(path.to_string(), replies.to_vec());
        self.url(path)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.script.lock().unwrap().requests.clone()
    }

    /// The first bytes that were asked for, in order; 0 for a request of the whole.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let requests = self.requests().into_iter();
        requests.map(|(_, start)| start.unwrap_or(0)).collect()
    }
}

fn answer(mut stream: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = head(&mut reader)?;
    if request.0 == "CONNECT" {
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
        request = head(&mut reader)?;
    }
    let (_, target, start) = request;
    // A proxy is asked for a whole link.
    let path = match target.strip_prefix("http://") {
        Some(rest) => &rest[rest.find('/').unwrap()..],
        None => &target,
    };
    let reply = {
        let mut script = script.lock().unwrap();
        script.requests.push((path.to_string(), start));
        match script.replies.get_mut(path) {
            None => Reply::Status(404),
            Some(replies) if replies.len() == 1 => replies[0].clone(),
            Some(replies) => replies.remove(0),
        }
    };
    send(&mut stream, reply, start)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    reader.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Method, target and the start of the range.
fn head(reader: &mut impl BufRead) -> std::io::Result<(String, String, Option<usize>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_string);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut start = None;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.strip_suffix('-').map(|start| start.parse().unwrap());
        }
        if line.is_empty() {
            return Ok((method, target, start));
        }
    }
}

fn send(stream: &mut TcpStream, reply: Reply, start: Option<usize>) -> std::io::Result<()> {
    match reply {
        Reply::Body(body) => {
            let end = body.len();
            send_range(stream, &body, start, end, usize::MAX, Duration::ZERO)
        }
        Reply::NoRange(body) => {
            let end = body.len();
            send_range(stream, &body, None, end, usize::MAX, Duration::ZERO)
        }
        Reply::Cut(body, end) => send_range(stream, &body, start, end, usize::MAX, Duration::ZERO),
        Reply::Stall(body, end) => {
            send_range(stream, &body, start, end, usize::MAX, Duration::ZERO)?;
            thread::sleep(Duration::from_secs(20));
            Ok(())
        }
        Reply::Slow(body, piece, pause) => {
            let end = body.len();
            send_range(stream, &body, start, end, piece, pause)
        }
        Reply::Unannounced(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body)
        }
        Reply::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Reply::Redirect(to) => write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
    }
}

fn send_range(
    stream: &mut TcpStream,
    body: &[u8],
    start: Option<usize>,
    end: usize,
    piece: usize,
    pause: Duration,
) -> std::io::Result<()> {
    let (first, total) = (start.unwrap_or(0), body.len());
    if start.is_some() && first >= total {
        return write!(
            stream,
            "HTTP/1.1 416 X\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        );
    }
    match start {
        None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        Some(_) => write!(
            stream,
            "HTTP/1.1 206 X\r\nContent-Range: bytes {first}-{}/{total}\r\n",
            total - 1
        )?,
    }
    let length = total - first;
    write!(
        stream,
        "Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    for piece in body[first..end.max(first)].chunks(piece) {
        stream.write_all(piece)?;
        stream.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}
