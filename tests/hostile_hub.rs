//! Servers that are silent, lie, stop or never stop: each is an error in time, and nothing wrong stays in the cache.

mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use partscope::hub::{Client, Repo, Settings, Watcher};
use server::{COMMIT, Hub, Reply, Seen, Then, response};
use tempfile::TempDir;

/// `sha256sum` and `git hash-object` of [`content`].
const SHA256: &str = "b1cf7538cf80d01efe3e0b8e45dc930048a138c7b6f8c4aff08f478e4695e631";
const GIT: &str = "2edba7b01da637f39027ae9c7e5800cabcf67c14";

const SIZE: usize = 300_000;
const PATIENCE: Duration = Duration::from_millis(400);

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 7 % 251) as u8).collect()
}

/// A download of `weights` from a server with the answers of `answer`.
struct Trial {
    hub: Hub,
    cache: TempDir,
}

impl Trial {
    fn new(answer: impl Fn(&Seen, u16) -> Reply + Send + Sync + 'static) -> Self {
        Self { hub: Hub::script(answer), cache: TempDir::new().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("models--tests--tiny/snapshots").join(COMMIT)
    }

    /// Downloads the file `name`; checks that there is an answer in time, and that the token went to the hub only.
    fn fetch(&self, name: &str) -> Result<bool, String> {
        let settings = Settings { patience: PATIENCE, ..self.hub.settings(self.cache.path()) };
        let (repo, watcher): (Repo, _) = ("tests/tiny".parse().unwrap(), Watcher::default());
        let start = Instant::now();
        let outcome = Client::new(&repo, &settings, &watcher).file(&self.folder(), name);
        assert!(start.elapsed() < 20 * PATIENCE, "{:?}", start.elapsed());
        for seen in self.hub.requests() {
            assert_eq!(seen.authorized, seen.host.starts_with("127."), "{seen:?}");
        }
        outcome.map_err(|error| error.to_string())
    }

    fn left(&self) -> Vec<String> {
        names(&self.folder())
    }

    /// Checks that the file arrived and nothing else is left.
    fn arrives(&self) {
        assert_eq!(self.fetch("weights"), Ok(true));
        assert_eq!(self.left(), ["weights"]);
        assert!(fs::read(self.folder().join("weights")).unwrap() == content());
    }

    /// Checks that the download fails with this message and leaves nothing.
    fn fails(&self, name: &str, expected: &str) {
        let message = self.fetch(name).unwrap_err();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("hf_secret"), "{message}");
        assert_eq!(self.left(), [""; 0], "{expected}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn tags() -> String {
    format!("x-linked-size: {SIZE}\r\nx-linked-etag: \"{SHA256}\"\r\n")
}

/// Starts a response of `length` bytes and stops after `sent`.
fn cut(headers: &str, length: usize, sent: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n").as_bytes(), sent].concat()
}

/// The part of the content from `from` on.
fn part(from: usize) -> Vec<u8> {
    let range = format!("{}content-range: bytes {from}-{}/{SIZE}\r\n", tags(), SIZE - 1);
    response("206 Partial Content", &range, &content()[from..])
}

#[test]
fn a_silent_server_is_given_up() {
    let head = || b"HTTP/1.1 200 OK\r\n".to_vec();
    for stalls in [
        (|_, _| Reply { bytes: Vec::new(), then: Then::Silence }) as fn(&Seen, u16) -> Reply,
        |_, _| Reply { bytes: b"HTTP/1.1 200 OK\r\nx-rep".to_vec(), then: Then::Silence },
        |_, _| Reply { bytes: b"HTTP/1.1 200 OK\r\n".to_vec(), then: Then::Drip(b"x-a: b\r\n".repeat(40)) },
        |_, _| Reply { bytes: cut("", SIZE, &content()[..9]), then: Then::Silence },
        |_, _| Reply { bytes: cut("", SIZE, b""), then: Then::Drip(content()[..400].to_vec()) },
        |_, _| Reply {
            bytes: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab".to_vec(),
            then: Then::Silence,
        },
        |_, _| response("302 Found", "location: /again\r\n", b"").into(),
    ] {
        let trial = Trial::new(stalls);
        let message = trial.fetch("weights").unwrap_err();
        let told = message.contains("silent for 0.4 s; HF_HUB_DOWNLOAD_TIMEOUT=60 waits longer");
        assert!(told || message.contains("too many redirects"), "{message}");
        assert_eq!(trial.left(), [""; 0]);
    }
    let trial =
        Trial::new(move |_, _| Reply { bytes: head(), then: Then::Repeat(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()) });
    assert!(trial.fetch("weights").is_err());
}

#[test]
fn a_server_that_never_stops_is_stopped() {
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    let endless = move |headers: &'static str| {
        let chunk = chunk.clone();
        Trial::new(move |_, _| {
            let head = format!("HTTP/1.1 200 OK\r\n{headers}transfer-encoding: chunked\r\n\r\n");
            Reply { bytes: head.into_bytes(), then: Then::Repeat(chunk.clone()) }
        })
    };
    endless("x-linked-size: 1000\r\n").fails("weights", "more than the 1000 bytes that it announces");
    endless("").fails("weights", "more than 128 MB and does not say how much");
    endless("x-linked-size: 9000000000000000000\r\n").fails("weights", "such a file has at most 1 TB");
    endless("x-linked-size: 200000000\r\n").fails("tokenizer.json", "such a file has at most 128 MB");
}

#[test]
fn a_file_that_stops_early_is_not_kept() {
    let half = || content()[..SIZE / 2].to_vec();
    Trial::new(move |_, _| cut("", SIZE, &half()).into()).fails("weights", "cannot fetch weights");
    Trial::new(move |_, _| cut(&format!("x-linked-size: {SIZE}\r\n"), SIZE / 2, &half()).into())
        .fails("weights", &format!("sends {} bytes, but the hub says {SIZE}", SIZE / 2));
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n".to_vec();
    Trial::new(move |_, _| chunked.clone().into()).fails("weights", "cannot fetch weights");
    let open = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcd".to_vec();
    Trial::new(move |_, _| open.clone().into()).fails("weights", "neither its size nor its hash");
}

#[test]
fn the_bytes_have_the_hash_that_the_hub_announces() {
    for tag in [format!("x-linked-etag: \"{SHA256}\"\r\n"), format!("etag: W/\"{GIT}\"\r\n")] {
        let right = tag.clone();
        Trial::new(move |_, _| response("200 OK", &right, &content()).into()).arrives();
        let wrong = Trial::new(move |_, _| {
            let mut bytes = content();
            bytes[SIZE / 3] ^= 1;
            response("200 OK", &tag, &bytes).into()
        });
        wrong.fails("weights", "do not have the hash that the hub announces");
    }
    // The hash counts if the hub announces it, not if another server does.
    Trial::new(|seen, port| match seen.path.as_str() {
        "/stored" => response("200 OK", &format!("etag: \"{}\"\r\n", "0".repeat(64)), &content()).into(),
        _ => response("302 Found", &format!("{}location: http://localhost:{port}/stored\r\n", tags()), b"").into(),
    })
    .arrives();
}

#[test]
fn a_broken_download_is_continued() {
    let broken = |seen: &Seen, _| match seen.from {
        None => cut(&tags(), SIZE, &content()[..100_000]).into(),
        Some(from) if from < 200_000 => part(from)[..part(from).len() - 100_000].to_vec().into(),
        Some(from) => part(from).into(),
    };
    let trial = Trial::new(broken);
    trial.arrives();
    let ranges: Vec<_> = trial.hub.requests().iter().map(|seen| seen.from).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);

    let unable = |seen: &Seen, _: u16| match seen.from {
        None => cut(&tags(), SIZE, &content()[..100_000]).into(),
        Some(_) => response("503 Service Unavailable", "", b"").into(),
    };
    let trial = Trial::new(unable);
    assert!(trial.fetch("weights").unwrap_err().contains("status 503"));
    let kept = format!(".weights.{SHA256}.part");
    assert_eq!(trial.left(), [kept.as_str()]);
    let again = Trial { cache: trial.cache, hub: Hub::script(broken) };
    again.arrives();
    assert_eq!(
        again.hub.requests().iter().map(|seen| seen.from).collect::<Vec<_>>(),
        [None, Some(100_000), Some(200_000)]
    );
}

#[test]
fn a_damaged_part_a_complete_one_and_a_server_without_ranges_start_again() {
    let whole = |seen: &Seen, _: u16| match seen.from {
        Some(from) if seen.path.contains("tests") => part(from).into(),
        _ => response("200 OK", &tags(), &content()).into(),
    };
    let without_ranges = |_: &Seen, _: u16| response("200 OK", &tags(), &content()).into();
    let beyond = |seen: &Seen, _: u16| match seen.from {
        Some(_) => response("416 Range Not Satisfiable", "", b"").into(),
        None => response("200 OK", &tags(), &content()).into(),
    };
    let damaged = vec![0; 100_000];
    let longer = [content(), vec![0]].concat();
    for (before, answer) in [
        (damaged.clone(), whole as fn(&Seen, u16) -> Reply),
        (damaged, without_ranges),
        (content(), beyond),
        (longer, whole),
    ] {
        let trial = Trial::new(answer);
        fs::create_dir_all(trial.folder()).unwrap();
        fs::write(trial.folder().join(format!(".weights.{SHA256}.part")), before).unwrap();
        fs::write(trial.folder().join(format!(".weights.{}.part", "0".repeat(64))), "of an older version").unwrap();
        trial.arrives();
    }
    let trial = Trial::new(|seen, _| match seen.from {
        None => cut(&tags(), SIZE, &content()[..100_000]).into(),
        Some(from) => part(from + 1).into(),
    });
    assert!(trial.fetch("weights").unwrap_err().contains("another part than requested"));
}

#[test]
fn redirects_are_followed_wherever_they_lead_and_the_token_is_not() {
    for location in
        ["stored/weights", "../../../../stored/weights", "/stored/weights", "?again", "//localhost:PORT/stored/weights"]
    {
        let trial = Trial::new(move |seen, port| {
            if seen.path.contains("stored") || seen.path.contains('?') {
                return response("200 OK", "", &content()).into();
            }
            let location = location.replace("PORT", &port.to_string());
            response("307 Temporary Redirect", &format!("{}location: {location}\r\n", tags()), b"").into()
        });
        trial.arrives();
    }
    for location in ["file:///etc/passwd", "ftp://localhost/x", "///x", "data:,x"] {
        Trial::new(move |_, _| response("302 Found", &format!("location: {location}\r\n"), b"").into())
            .fails("weights", "redirects to an address that is not https or http");
    }
}
