//! Signals that ask to leave, to stand still, or to go on.

use std::io;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// To leave with this exit code: 128 and the signal's number.
    Leave(u8),
    /// To stand still until a signal to go on.
    Stop,
    /// To go on, after standing still.
    Continue,
}

/// Waits for SIGINT, SIGTERM and SIGHUP, so that the terminal is given back before partscope ends, and for SIGTSTP and
/// SIGCONT, so that it is whole while partscope stands still and after.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    resume: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen; must be called inside the runtime.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// What the next signal asks for.
    pub async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::Leave(130),
            _ = self.terminate.recv() => Heard::Leave(143),
            _ = self.hangup.recv() => Heard::Leave(129),
            _ = self.stop.recv() => Heard::Stop,
            _ = self.resume.recv() => Heard::Continue,
        }
    }
}

/// Elsewhere there is only the interrupt.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// Never.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// What the next interrupt asks for.
    pub async fn next(&mut self) -> Heard {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Heard::Leave(130),
            Err(_) => std::future::pending().await,
        }
    }
}
