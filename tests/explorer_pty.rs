//! The real binary on a pseudo-terminal. Tests wait for what they expect to see, never for time to pass.
#![cfg(all(unix, feature = "tui"))]

use std::{
    io::{Read, Write},
    num::NonZeroU16,
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const BINARY: &str = env!("CARGO_BIN_EXE_partscope");

/// However slow the machine is, nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the terminal shows, and a bell for when that changes.
#[derive(Clone)]
struct Display(Arc<(Mutex<vt100::Parser>, Condvar)>);

/// A terminal in which a shell line runs.
struct Session {
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
    /// Says `before`, then becomes partscope with these arguments.
    fn start(arguments: &str, cols: u16, rows: u16) -> Self {
        Self::start_in("/nowhere", arguments, cols, rows)
    }

    /// As `start`, with the user's files in `config`.
    fn start_in(config: &str, arguments: &str, cols: u16, rows: u16) -> Self {
        let pty = native_pty_system().openpty(size(cols, rows)).unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &format!("echo what was before; exec '{BINARY}' {arguments}")]);
        command.env("TERM", "xterm-256color");
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

    fn text(&self) -> String {
        self.display.0.0.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as `wanted` says.
    fn until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let (parser, bell) = &*self.display.0;
        let mut parser = parser.lock().unwrap();
        let end = Instant::now() + PATIENCE;
        while !wanted(parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never saw {what}; the screen is\n{}", parser.screen().contents());
            parser = bell.wait_timeout(parser, left).unwrap().0;
        }
    }

    fn see(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.display.0.0.lock().unwrap().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows)).unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for the end and checks that the terminal is as it was.
    fn ends_with(mut self, code: u32) {
        let status = self.child.wait().unwrap();
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

#[test]
fn the_whole_path_from_start_to_quit() {
    let mut session = Session::start("explore --limit 60", 120, 40);
    session.see("8 layers × 8 heads");
    session.see("done in");
    session.see("✓ exact");
    session.press("llkk");
    session.see("L2.H2 ─");
    session.press("w");
    session.see("fitted on 20 examples");
    session.see("● on");
    session.press(" ");
    session.see("○ off");
    session.press("?");
    session.see("Move to the component on the left");
    session.press("\x1b");
    session.until("no help", |screen| !screen.contents().contains("Move to the component on the left"));
    session.press("q");
    session.ends_with(0);
}

#[test]
fn another_template_and_other_demonstrations_are_a_key_away() {
    let mut session = Session::start("explore --limit 20", 120, 40);
    session.see("demos 0");
    session.press("s");
    session.see("demos 1");
    session.see("done in");
    session.press("S");
    session.see("demos 0");
    session.see("done in");
    session.press("t");
    session.see("· topic ·");
    session.see("done in");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn ctrl_c_leaves_in_the_middle_of_the_work() {
    let mut session = Session::start("", 80, 24);
    session.see("partscope");
    let asked = Instant::now();
    session.press("\x03");
    session.ends_with(130);
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[test]
fn signals_leave_the_terminal_whole() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let session = Session::start("explore --limit 20", 80, 24);
        session.see("partscope");
        session.signal(signal);
        session.ends_with(code);
    }
}

#[test]
fn a_terminal_too_small_says_so_and_recovers() {
    let mut session = Session::start("explore --limit 20", 50, 12);
    session.see("This terminal is too small.");
    session.see("partscope needs 72 × 20.");
    session.resize(90, 30);
    session.see("8 layers × 8 heads");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn a_resize_storm_ends_on_a_whole_screen() {
    let mut session = Session::start("explore --limit 60", 80, 24);
    session.see("8 layers × 8 heads");
    for step in 0..80_u16 {
        session.resize(40 + step * 37 % 160, 10 + step * 13 % 50);
    }
    session.resize(100, 30);
    let is_whole = |screen: &vt100::Screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows[0].starts_with(" partscope") && rows[29].trim_end().ends_with("q quit")
    };
    session.until("a whole screen", is_whole);
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn it_goes_to_the_background_and_comes_back() {
    let mut session = Session::start("explore --limit 20", 80, 24);
    session.see("done in");
    session.press("\x1a");
    session.until("the old screen", |screen| !screen.alternate_screen() && screen.contents().starts_with("what was"));
    session.signal("-CONT");
    session.see("8 layers × 8 heads");
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn signals_from_outside_stop_it_and_let_it_go_on() {
    let mut session = Session::start("explore --limit 20", 80, 24);
    session.see("done in");
    for signal in ["-TSTP", "-STOP"] {
        session.signal(signal);
        if signal == "-TSTP" {
            session.until("the old screen", |screen| !screen.alternate_screen());
        }
        session.signal("-CONT");
        session.until("the map again", |screen| screen.alternate_screen() && screen.contents().contains("8 layers ×"));
    }
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn a_run_is_opened_again_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    for first in [true, false] {
        let mut session = Session::start_in(folder.path().to_str().unwrap(), "explore --limit 20", 80, 24);
        if first {
            session.see("done in");
            session.press("lllkk");
            session.see("L2.H3 ─");
        } else {
            session.see("L2.H3 ─");
        }
        session.press("q");
        session.ends_with(0);
    }
}

#[test]
fn two_runs_are_compared_and_an_example_is_opened() {
    let mut session = Session::start("explore --limit 40", 120, 40);
    session.see("done in");
    session.press("s");
    session.see("demos 1");
    session.see("done in");
    session.press("c");
    session.see("Pearson r");
    session.press("e");
    session.see("against");
    session.press(":quit\r");
    session.ends_with(0);
}

#[test]
fn a_prompt_is_edited_and_run_again_and_a_text_is_classified() {
    let mut session = Session::start("explore --limit 40", 120, 40);
    session.see("done in");
    session.press("p");
    session.see("as the model reads it");
    session.see(" tokens ");
    session.press("l");
    session.see("edited: r runs it");
    session.press("r");
    session.until("the edited run", |screen| screen.contents().lines().next().unwrap().contains("· edited "));
    session.see("done in");
    session.press("i");
    session.press("\x1b[200~stocks fell\r\nagain\x1b[201~");
    session.see("stocks fell again");
    session.see("against");
    session.press("\rd");
    session.see("the same labels buy");
    session.see("comprw_released");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn causes_are_asked_of_the_model_and_shown_beside_contributions() {
    let mut session = Session::start("explore --limit 24", 120, 40);
    session.see("done in");
    session.press("gm");
    session.press("A");
    session.see("who reacted");
    session.see("ablated re-run: zero, last");
    session.press(".");
    session.see("ablated re-run: zero, all");
    session.see("The norm is realised");
    session.press("P");
    session.see("strongest tokens");
    session.press("W");
    session.see("suppresses");
    session.press(".Z");
    session.see("Z begins (zero, last; 72 × 24)");
    session.press("Z");
    session.see("72 components ablated");
    session.see("total effect");
    session.press("\x1b");
    session.see("w fit");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn without_a_terminal_it_says_one_sentence() {
    let output = Command::new(BINARY).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("needs a terminal") && output.stdout.is_empty());
}
