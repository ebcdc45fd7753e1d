//! Measures how fast the real explorer reacts to a key while the engine is at full load, and its processor use when
//! idle: `cargo build --release && cargo run --release --example responsiveness` (Linux).

use std::{
    fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::Path,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
const KEYS: usize = 300;
const IDLE: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The terminal's screen, fed by a thread that reads its output.
struct Display {
    parser: vt100::Parser,
    output: Receiver<Vec<u8>>,
}

impl Display {
    /// Reads output until `condition` holds for the screen, and returns how long that took.
    fn until(&mut self, condition: impl Fn(&str) -> bool) -> Result<Duration, Failure> {
        let start = Instant::now();
        while !condition(&self.parser.screen().contents()) {
            self.parser.process(&self.output.recv_timeout(Duration::from_secs(120))?);
        }
        Ok(start.elapsed())
    }

    fn drain(&mut self) {
        while let Ok(bytes) = self.output.try_recv() {
            self.parser.process(&bytes);
        }
    }
}

fn main() -> Result<(), Failure> {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/partscope");
    let pty = native_pty_system().openpty(SIZE)?;
    let mut command = CommandBuilder::new(binary);
    command.args(["explore", "--no-cache"]);
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    command.env("PARTSCOPE_CONFIG_DIR", "/nowhere");
    let mut child = pty.slave.spawn_command(command)?;
    let (mut keys, mut reader) = (pty.master.take_writer()?, pty.master.try_clone_reader()?);
    let (sender, output) = channel();
    thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let cell = |count| NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN);
    let mut display = Display { parser: vt100::Parser::new(cell(SIZE.rows), cell(SIZE.cols), 0), output };
    let mut press = |text: &str| keys.write_all(text.as_bytes()).and_then(|()| keys.flush());

    let mut times = Vec::new();
    display.until(|screen| screen.contains("layers ×"))?;
    while times.len() < KEYS {
        display.drain();
        if !display.parser.screen().contents().contains("/s") {
            press("s")?;
            display.until(|screen| screen.contains("/s  "))?;
        }
        let (key, seen) = if times.len() % 2 == 0 { ("l", "L0.H1 ─") } else { ("h", "L0.H0 ─") };
        press(key)?;
        times.push(display.until(|screen| screen.contains(seen))?);
        thread::sleep(Duration::from_millis(20));
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("key to painted frame at full load: median {:.1} ms, p99 {:.1} ms, {KEYS} keys", at(0.5), at(0.99));

    display.until(|screen| screen.contains("done in"))?;
    thread::sleep(Duration::from_secs(1));
    display.drain();
    let before = processor_seconds(child.process_id())?;
    thread::sleep(IDLE);
    let used = processor_seconds(child.process_id())? - before;
    let painted = display.output.try_iter().map(|bytes| bytes.len()).sum::<usize>();
    println!(
        "idle: {:.2} % of a processor over {} s, {painted} bytes painted",
        100.0 * used / IDLE.as_secs_f64(),
        IDLE.as_secs()
    );
    press("q")?;
    child.wait()?;
    Ok(())
}

/// Returns the processor seconds that a process has used, from `/proc`.
fn processor_seconds(id: Option<u32>) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.ok_or("the process has no id")?))?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
