//! A local test server that imitates the Hugging Face hub.

#![allow(dead_code, unreachable_pub)] // each test file uses only some items

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use partscope::hub::Settings;

/// Commit of every revision.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request that the server received.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub host: String,
    pub authorized: bool,
    /// First byte of the requested range.
    pub from: Option<usize>,
}

/// What the server sends, and what it does then.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// What the server does after its last byte.
pub enum Then {
    Close,
    /// Keeps the connection open and says nothing.
    Silence,
    /// Sends these bytes again and again.
    Repeat(Vec<u8>),
    /// Sends these bytes slowly, one at a time.
    Drip(Vec<u8>),
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, then: Then::Close }
    }
}

/// A server that answers one request per connection and records all requests.
pub struct Hub {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Hub {
    pub fn start(answer: fn(&Seen, u16) -> Vec<u8>) -> Self {
        Self::script(move |seen, port| answer(seen, port).into())
    }

    pub fn script(answer: impl Fn(&Seen, u16) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || serve(stream.unwrap(), &log, |seen| answer(seen, port)));
            }
        });
        Self { port, seen }
    }

    pub fn settings(&self, cache: &Path) -> Settings {
        Settings {
            cache: cache.to_owned(),
            endpoint: format!("http://127.0.0.1:{}", self.port),
            token: Some("hf_secret".to_owned()),
            offline: None,
            patience: Duration::from_secs(10),
        }
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: impl Fn(&Seen) -> Reply) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned())) else { return };
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let header = |name: &str| headers.iter().find_map(|line| line.strip_prefix(name));
    let host = header("host: ").unwrap_or_default().to_owned();
    let authorized = header("authorization: ").is_some_and(|value| value == "bearer hf_secret");
    let from = header("range: bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok());
    let seen = Seen { path, host, authorized, from };
    log.lock().unwrap().push(seen.clone());
    let Reply { bytes, then } = answer(&seen);
    let mut sent = stream.write_all(&bytes);
    match then {
        Then::Close => {}
        Then::Silence => {
            let _ = stream.read(&mut [0]);
        }
        Then::Repeat(bytes) => {
            while sent.is_ok() {
                sent = stream.write_all(&bytes);
            }
        }
        Then::Drip(bytes) => {
            for byte in bytes {
                thread::sleep(Duration::from_millis(50));
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
            }
        }
    }
}

/// Formats an HTTP response.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}
