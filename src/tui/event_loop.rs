//! The loop: wait for a key, a worker, a signal or the next frame; update; draw if something changed.
//!
//! Keys are painted at once. Messages of workers are gathered for a thirtieth of a second, so that a flood of batches
//! costs no more frames than the eye can use. When nothing moves, nothing is drawn and nothing wakes up.

use std::{io, time::Duration};

use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep_until},
};

use crate::{
    app::{
        Executor, Leave, Message, State, TaskChoice,
        executor::{StartExperiments, StartModel, TerminalRequest},
        press, receive,
        update::type_text,
    },
    error::{Error, InputError, Result},
    run::Run,
    runner::RunRequest,
    store::Store,
};

use super::{
    clipboard,
    color::Depth,
    input,
    mouse::mouse,
    session::Memory,
    settings,
    signals::{Heard, Signals},
    terminal::TerminalScreen,
    theme::Theme,
    views::{self, DrawContext},
};

/// Shortest time between two frames that only workers ask for.
const FRAME: Duration = Duration::from_millis(33);

/// Time between two frames of an animation.
const TICK: Duration = Duration::from_millis(100);

/// Exit codes of the signals that a key or a lost terminal stands for.
const INTERRUPT: u8 = 130;
const HANGUP: u8 = 129;

/// What to explore.
#[derive(Default)]
pub struct ExploreOptions {
    /// Starts the worker that owns the model; `None` to look at saved runs only.
    pub model: Option<StartModel>,
    /// Starts the workers of experiments on runs, saved ones too.
    pub experiments: Option<StartExperiments>,
    /// The run to begin with.
    pub first: Option<RunRequest>,
    /// Tasks and templates that can be switched to.
    pub choices: Vec<TaskChoice>,
    /// Runs from disk to open.
    pub saved: Vec<Run>,
    /// Where runs are kept, to be listed.
    pub store: Store,
}

/// Opens the explorer and returns the exit code when the user leaves: 0, or 128 and the signal's number.
///
/// # Errors
/// If the terminal or a thread cannot be had.
pub fn explore(options: ExploreOptions) -> Result<u8> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| terminal_error(&error))?;
    runtime.block_on(async { Explorer::open(options)?.run().await.map_err(|error| terminal_error(&error)) })
}

fn terminal_error(error: &io::Error) -> Error {
    InputError::new(format!("the terminal cannot be used: {error}")).into()
}

type Keys = UnboundedReceiver<io::Result<Input>>;

/// Reads the terminal in a task of its own, so that events can be taken in one go.
fn listen_to_terminal() -> Keys {
    let (post, keys) = unbounded_channel();
    tokio::spawn(async move {
        let mut events = EventStream::new();
        while let Some(event) = events.next().await {
            if post.send(event).is_err() {
                break;
            }
        }
    });
    keys
}

struct Explorer {
    state: State,
    themes: Vec<Theme>,
    screen: TerminalScreen,
    executor: Executor,
    inbox: UnboundedReceiver<Message>,
    signals: Signals,
    memory: Memory,
    tick: usize,
}

impl Explorer {
    /// Takes the terminal and shows the first frame before any worker begins.
    fn open(options: ExploreOptions) -> Result<Self> {
        let (keymap, themes) = settings::load(Depth::detect(|name| std::env::var(name).ok()))?;
        let memory = Memory::of_user();
        let mut state = State::new(keymap, options.choices);
        state.theme = memory.theme(&themes);
        let signals = Signals::listen().map_err(|error| terminal_error(&error))?;
        let screen = TerminalScreen::open().map_err(|error| terminal_error(&error))?;
        let (sender, inbox) = unbounded_channel();
        // Messages are dropped once the loop has ended.
        let send = move |message| drop(sender.send(message));
        let executor = Executor::new(send, options.model, options.experiments, options.store);
        let first = options.first.map_or_else(Vec::new, |first| state.begin(first));
        let mut explorer = Self { state, themes, screen, executor, inbox, signals, memory, tick: 0 };
        explorer.draw().map_err(|error| terminal_error(&error))?;
        let stats = explorer.state.open(options.saved);
        explorer.executor.execute(first);
        explorer.executor.execute(stats);
        explorer.recall();
        Ok(explorer)
    }

    /// Goes back to where the first run that is shown was left.
    fn recall(&mut self) {
        let effects = self.memory.recall(&mut self.state);
        self.executor.execute(effects);
    }

    /// Runs until the user leaves, and remembers where that was.
    async fn run(mut self) -> io::Result<u8> {
        let code = self.until_left().await;
        self.memory.keep(&self.state, &self.themes);
        code
    }

    async fn until_left(&mut self) -> io::Result<u8> {
        let mut keys = listen_to_terminal();
        let mut drawn = Instant::now();
        let mut due = Some(drawn);
        loop {
            let frame = due.unwrap_or(drawn);
            tokio::select! {
                biased;
                heard = self.signals.next() => {
                    match heard {
                        Heard::Leave(code) => return Ok(code),
                        Heard::Stop => self.screen.suspend()?,
                        Heard::Continue => self.screen.resume()?,
                    }
                    due = Some(Instant::now());
                }
                () = sleep_until(frame), if due.is_some() => {
                    self.draw()?;
                    drawn = Instant::now();
                    due = self.state.is_moving().then(|| drawn + TICK);
                }
                event = keys.recv() => {
                    if let Some(code) = self.take_keys(event, &mut keys)? {
                        return Ok(code);
                    }
                    due = Some(Instant::now());
                }
                Some(message) = self.inbox.recv() => {
                    let effects = receive(&mut self.state, message);
                    self.executor.execute(effects);
                    self.recall();
                    let soon = drawn + FRAME;
                    due = Some(due.map_or(soon, |due| due.min(soon)));
                }
            }
        }
    }

    /// Handles this event and all that wait behind it; `Some` is the exit code.
    fn take_keys(&mut self, first: Option<io::Result<Input>>, keys: &mut Keys) -> io::Result<Option<u8>> {
        let Some(mut event) = first else { return Ok(Some(HANGUP)) };
        loop {
            match self.take_key(&event?) {
                Some(TerminalRequest::Leave(Leave::Asked)) => return Ok(Some(0)),
                Some(TerminalRequest::Leave(Leave::Interrupted)) => return Ok(Some(INTERRUPT)),
                Some(TerminalRequest::Suspend) => self.screen.suspend()?,
                Some(TerminalRequest::Copy(text)) => self.screen.say(&clipboard::sequence(&text))?,
                None => {}
            }
            match keys.try_recv() {
                Ok(next) => event = next,
                Err(_) => return Ok(None),
            }
        }
    }

    fn take_key(&mut self, event: &Input) -> Option<TerminalRequest> {
        self.state.page = views::page(self.screen.area(), &self.state).into();
        let effects = match event {
            Input::Key(key) => press(&mut self.state, input::key(*key)?),
            Input::Paste(text) => type_text(&mut self.state, text),
            Input::Mouse(event) => mouse(&mut self.state, self.screen.area(), *event),
            _ => Vec::new(),
        };
        self.executor.execute(effects)
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, tick) = (&self.state, self.tick);
        self.tick = tick.wrapping_add(1);
        match self.themes.get(state.theme % self.themes.len().max(1)) {
            Some(theme) => self.screen.draw(|buf| views::draw(buf, DrawContext { state, theme, tick })),
            None => Ok(()),
        }
    }
}
