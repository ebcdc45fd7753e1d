//! Signals to quit, suspend and resume.

use std::io;

/// Request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalRequest {
    /// Quit with this exit code: 128 plus the signal's number.
    Leave(u8),
    /// Suspend until a signal to resume.
    Stop,
    /// Resume after a suspension.
    Continue,
}

/// Waits for SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGABRT, so that the terminal is restored before partscope exits, and
/// for SIGTSTP and SIGCONT, so that it is restored during a suspension and redrawn after it.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    abort: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    resume: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Starts listening; must be called inside the runtime.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            abort: signal(SignalKind::from_raw(signal_hook::consts::SIGABRT))?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.interrupt.recv() => SignalRequest::Leave(130),
            _ = self.terminate.recv() => SignalRequest::Leave(143),
            _ = self.hangup.recv() => SignalRequest::Leave(129),
            _ = self.quit.recv() => SignalRequest::Leave(131),
            _ = self.abort.recv() => SignalRequest::Leave(134),
            _ = self.stop.recv() => SignalRequest::Stop,
            _ = self.resume.recv() => SignalRequest::Continue,
        }
    }
}

/// Waits for interrupts, the only signal on other platforms.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// Never.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next interrupt.
    pub async fn next(&mut self) -> SignalRequest {
        match tokio::signal::ctrl_c().await {
            Ok(()) => SignalRequest::Leave(130),
            Err(_) => std::future::pending().await,
        }
    }
}
