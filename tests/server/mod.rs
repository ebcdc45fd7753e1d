//! A local test server that imitates the Hugging Face hub.

#![allow(dead_code, unreachable_pub)] // each test file uses only some items

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
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
}

/// A server that answers one request per connection and records all requests.
pub struct Hub {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Hub {
    pub fn start(answer: fn(&Seen, u16) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &log, |seen| answer(seen, port));
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
        }
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: impl Fn(&Seen) -> Vec<u8>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(path) = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned())) else { return };
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let host = headers.iter().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
    let authorized = headers.contains(&"authorization: bearer hf_secret".to_owned());
    let seen = Seen { path, host, authorized };
    log.lock().unwrap().push(seen.clone());
    stream.write_all(&answer(&seen)).unwrap();
}

/// Formats an HTTP response.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}
