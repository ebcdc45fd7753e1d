//! The terminal, taken over and given back whatever happens.

use std::{
    io::{self, BufWriter, Stdout, Write},
    panic,
    sync::Once,
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
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If the terminal does not answer.
    pub fn open() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        let taken = take();
        if taken.is_err() {
            restore();
        }
        taken?;
        Ok(Self { terminal: fresh()? })
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

impl Drop for Screen {
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

fn take() -> io::Result<()> {
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, Hide)
}

/// Gives the terminal back as it was. Whatever fails here, the rest is still tried.
fn restore() {
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
