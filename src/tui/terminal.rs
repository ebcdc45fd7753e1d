//! The terminal, taken over and given back whatever happens.

use std::{
    io::{self, BufWriter, Stdout, Write},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend, buffer::Buffer};

/// Owns the screen; dropping it gives the screen back.
#[derive(Debug)]
pub struct TerminalScreen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl TerminalScreen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If the terminal does not answer.
    pub fn open() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        let terminal = take().and_then(|()| fresh()).inspect_err(|_| restore())?;
        Ok(Self { terminal })
    }

    /// Shows the next frame, all at once where the terminal can.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| paint(frame.buffer_mut()))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        io::Write::flush(self.terminal.backend_mut())
    }

    /// Sends a sequence that draws nothing.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn say(&mut self, sequence: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        io::Write::flush(out)
    }

    /// Gives the terminal back, stops until the shell continues this program, and takes the terminal over again.
    ///
    /// # Errors
    /// If the terminal does not answer then.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        stop()?;
        self.resume()
    }

    /// Takes the terminal over again after whatever happened to it while this program stood still.
    ///
    /// # Errors
    /// If the terminal does not answer.
    pub fn resume(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        enable_raw_mode()?;
        take()?;
        self.terminal = fresh()?;
        Ok(())
    }

    /// The screen as it is now.
    pub fn area(&self) -> ratatui::layout::Rect {
        self.terminal
            .size()
            .map_or_else(|_| ratatui::layout::Rect::default(), |size| (ratatui::layout::Position::ORIGIN, size).into())
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        restore();
    }
}

/// A terminal that knows nothing of what is on the screen, so that its first frame paints everything.
fn fresh() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout())))
}

#[cfg(unix)]
fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

#[cfg(not(unix))]
fn stop() -> io::Result<()> {
    Ok(())
}

/// Whether the terminal is taken over: what is given back twice would lose what was said in between, since a terminal
/// that leaves its second screen puts the cursor where it was before.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, Hide)
}

/// Gives the terminal back as it was. Whatever fails here, the rest is still tried.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ =
        execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// A panic of the drawing thread gives the terminal back before its message is printed. Panics of workers are caught
/// and shown on the screen, so their message must not be printed into it.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    let drawing = thread::current().id();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                restore();
                print(info);
            }
        }));
    });
}

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Read, num::NonZeroU16};

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use ratatui::style::Style;

    use super::*;

    #[test]
    #[ignore = "the next test starts it, in a terminal of its own"]
    fn panics_while_it_draws() {
        let mut screen = TerminalScreen::open().unwrap();
        screen.draw(|buf| buf.set_string(0, 0, "drawn", Style::new())).unwrap();
        screen.draw(|_| panic!("on purpose")).unwrap();
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_speaks() {
        let (rows, cols) = (NonZeroU16::new(40).unwrap(), NonZeroU16::new(100).unwrap());
        let size = PtySize { rows: 40, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tui::terminal::tests::panics_while_it_draws", "--ignored", "--nocapture"]);
        command.env("RUST_BACKTRACE", "0");
        let mut output = pty.master.try_clone_reader().unwrap();
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut parser = vt100::Parser::new(rows, cols, 0);
        let (mut bytes, mut drawn) = ([0; 4096], false);
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            for byte in &bytes[..count] {
                parser.process(&[*byte]);
                drawn |= parser.screen().alternate_screen() && parser.screen().contents().contains("drawn");
            }
        }
        assert!(!child.wait().unwrap().success() && drawn);
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(screen.contents().contains("on purpose"), "{}", screen.contents());
    }
}
