//! Signals to quit, suspend and resume.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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

/// Waits for the signals of POSIX that end a program by default and are no faults of it, so that the terminal is restored before partscope exits, and for
/// SIGTSTP and SIGCONT, so that it is restored during a suspension and redrawn after it. On platforms other than Unix
/// an interrupt is the only signal.
#[derive(Debug)]
pub struct Signals {
    requests: UnboundedReceiver<SignalRequest>,
}

impl Signals {
    /// Starts listening; must be called inside the runtime.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let (sender, requests) = unbounded_channel();
        forward(&sender)?;
        Ok(Self { requests })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> SignalRequest {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

/// Starts to send the requests of signals to `sender`.
#[cfg(unix)]
fn forward(sender: &UnboundedSender<SignalRequest>) -> io::Result<()> {
    use signal_hook::consts::{
        SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGUSR1,
        SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    };
    use tokio::signal::unix::{SignalKind, signal};
    let leave = |number| (number, SignalRequest::Leave(128 + number as u8));
    let leaving = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ,
        SIGIO, SIGSYS, SIGTRAP,
    ]
    .map(leave);
    for (number, request) in
        leaving.into_iter().chain([(SIGTSTP, SignalRequest::Stop), (SIGCONT, SignalRequest::Continue)])
    {
        let (mut signal, sender) = (signal(SignalKind::from_raw(number))?, sender.clone());
        tokio::spawn(async move { while signal.recv().await.is_some() && sender.send(request).is_ok() {} });
    }
    Ok(())
}

/// Starts to send the requests of signals to `sender`.
#[cfg(not(unix))]
fn forward(sender: &UnboundedSender<SignalRequest>) -> io::Result<()> {
    let sender = sender.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(SignalRequest::Leave(130)).is_ok() {}
    });
    Ok(())
}
