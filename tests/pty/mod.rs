//! Runs the real binary on a pseudo-terminal.

use std::{
    io::{Read, Write},
    num::NonZeroU16,
    process::Command,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::binary::BINARY;

/// Timeout of every wait, generous enough for slow machines.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The terminal's screen, with a condition variable that signals changes.
#[derive(Clone)]
struct Display(Arc<(Mutex<vt100::Parser>, Condvar)>);

/// A terminal session with the program.
pub(crate) struct Session {
    display: Display,
    keys: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Session {
    /// Starts a shell that prints a line and then replaces itself by partscope with `arguments`.
    pub(crate) fn start(arguments: &str, cols: u16, rows: u16) -> Self {
        Self::start_in("/nowhere", arguments, cols, rows)
    }

    /// Starts a session as [`Session::start`] does, with the user's configuration in `config`.
    pub(crate) fn start_in(config: &str, arguments: &str, cols: u16, rows: u16) -> Self {
        Self::start_on("xterm-256color", config, arguments, cols, rows)
    }

    /// Starts a session as [`Session::start_in`] does, on a terminal of type `term`.
    pub(crate) fn start_on(term: &str, config: &str, arguments: &str, cols: u16, rows: u16) -> Self {
        let pty = native_pty_system().openpty(size(cols, rows)).unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &format!("echo what was before; exec '{BINARY}' {arguments}")]);
        command.env("TERM", term);
        command.env("COLORTERM", "truecolor");
        command.env_remove("NO_COLOR");
        command.env("PARTSCOPE_CONFIG_DIR", config);
        command.env("PARTSCOPE_CACHE", "off");
        let child = pty.slave.spawn_command(command).unwrap();
        let parser = vt100::Parser::new(cells(rows), cells(cols), 0);
        let display = Display(Arc::new((Mutex::new(parser), Condvar::new())));
        let mut output = pty.master.try_clone_reader().unwrap();
        let listener = display.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                listener.0.0.lock().unwrap().process(&bytes[..count]);
                listener.0.1.notify_all();
            }
        });
        Self { display, keys: pty.master.take_writer().unwrap(), master: pty.master, child }
    }

    pub(crate) fn text(&self) -> String {
        self.display.0.0.lock().unwrap().screen().contents()
    }

    /// Waits until `condition` holds for the screen; `what` describes it in the failure message.
    pub(crate) fn until(&self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let (parser, changed) = &*self.display.0;
        let mut parser = parser.lock().unwrap();
        let end = Instant::now() + TIMEOUT;
        while !condition(parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never saw {what}; the screen is\n{}", parser.screen().contents());
            parser = changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    /// Waits until the screen contains `text`.
    pub(crate) fn see(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Returns row and column, counted from 1, of the first occurrence of `text`.
    pub(crate) fn find(&self, text: &str) -> (usize, usize) {
        self.see(text);
        let screen = self.text();
        let at = |row: &str| row.find(text).map(|byte| row[..byte].chars().count());
        let found = screen.lines().enumerate().find_map(|(index, row)| Some((index + 1, at(row)? + 1)));
        found.unwrap_or_else(|| panic!("{text} is not on the screen\n{screen}"))
    }

    /// Clicks on the first occurrence of `text`.
    pub(crate) fn click(&mut self, text: &str) {
        let (row, column) = self.find(text);
        self.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        self.display.0.0.lock().unwrap().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows)).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until the process is stopped; SIGCONT has no effect before that.
    pub(crate) fn wait_until_stopped(&self) {
        let id = self.child.process_id().unwrap().to_string();
        let end = Instant::now() + TIMEOUT;
        loop {
            let state = Command::new("ps").args(["-o", "state=", "-p", &id]).output().unwrap().stdout;
            if state.starts_with(b"T") {
                return;
            }
            assert!(Instant::now() < end, "never stopped");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program to exit and checks that the terminal is restored.
    pub(crate) fn ends_with(mut self, code: u32) {
        let end = Instant::now() + TIMEOUT;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
                None => {
                    self.child.kill().unwrap();
                    panic!("the program did not end; the screen is\n{}", self.text());
                }
            }
        };
        assert_eq!(status.exit_code(), code, "the screen is\n{}", self.text());
        self.until("the old screen", |screen| {
            !screen.alternate_screen() && screen.contents().starts_with("what was before")
        });
        let parser = self.display.0.0.lock().unwrap();
        let screen = parser.screen();
        assert!(!screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}
