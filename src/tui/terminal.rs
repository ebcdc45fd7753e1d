//! Takes over the terminal and restores it, also after errors and panics.

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

use crate::text::is_unsafe;

/// Terminal screen that is restored on drop.
#[derive(Debug)]
pub struct TerminalScreen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl TerminalScreen {
    /// Takes over the terminal.
    ///
    /// # Errors
    /// If the terminal does not respond.
    pub fn open() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        let terminal = take().and_then(|()| fresh()).inspect_err(|_| restore())?;
        Ok(Self { terminal })
    }

    /// Draws the next frame, in a synchronised update if the terminal supports it.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            paint(frame.buffer_mut());
            remove_unsafe(frame.buffer_mut());
        })?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        io::Write::flush(self.terminal.backend_mut())
    }

    /// Sends an escape sequence that draws nothing.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        io::Write::flush(out)
    }

    /// Restores the terminal, stops until the shell resumes this program, and takes over the terminal again.
    ///
    /// # Errors
    /// If the terminal does not respond after that.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        stop()?;
        self.resume()
    }

    /// Takes over the terminal again after a suspension.
    ///
    /// # Errors
    /// If the terminal does not respond.
    pub fn resume(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        enable_raw_mode()?;
        take()?;
        self.terminal = fresh()?;
        Ok(())
    }

    /// Returns the current area of the screen.
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

/// Replaces control characters and invisible ones, which no cell should hold: texts are made safe before they are laid
/// out, and this gate holds for any that is not.
pub(super) fn remove_unsafe(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = matches!(cell.symbol().as_bytes(), [b' '..=b'~']);
        if !plain && cell.symbol().chars().any(is_unsafe) {
            cell.set_symbol("·");
        }
    }
}

/// Creates a terminal without a previous frame, so that the first frame draws every cell.
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

/// Whether the terminal is taken over. Restoring it twice would overwrite output in between, because leaving the
/// alternate screen moves the cursor back.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, Hide)
}

/// Restores the terminal. Every step is tried even if an earlier one fails.
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

/// Installs a panic hook: a panic of the drawing thread restores the terminal before its message is printed. Panics of
/// workers are caught and shown on screen, so their message is not printed.
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
    #[ignore = "the next test starts it, in a separate terminal"]
    fn panics_while_it_draws() {
        let mut screen = TerminalScreen::open().unwrap();
        screen.draw(|buf| buf.set_string(0, 0, "drawn", Style::new())).unwrap();
        screen.draw(|_| panic!("on purpose")).unwrap();
    }

    #[test]
    fn no_cell_holds_an_unsafe_character() {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 4, 1));
        for (x, symbol) in ["a", "\x1b", "b\u{202e}", "e\u{301}"].into_iter().enumerate() {
            buffer[(x as u16, 0)].set_symbol(symbol);
        }
        remove_unsafe(&mut buffer);
        assert_eq!(buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>(), "a··e\u{301}");
    }

    #[test]
    fn a_panic_restores_the_terminal_before_its_message() {
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
