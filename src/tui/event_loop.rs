//! Event loop: wait for a key, a worker, a signal or the next frame; update; draw if something changed.
//!
//! Keys are drawn at once. Messages of workers are drawn at most 30 times a second, so that many batches do not cost
//! many frames. While nothing changes, the loop sleeps.

use std::{io, time::Duration};

use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use ratatui::buffer::Buffer;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep_until},
};

use crate::{
    app::{
        Effect, Executor, Leave, Message, State, TaskChoice,
        executor::{OpenModel, StartExperiments, StartModel, TerminalRequest},
        press, receive,
        update::type_text,
    },
    error::{Error, InputError, Result},
    jobs::FileRequest,
    run::Run,
    runner::RunRequest,
    store::Store,
};

use super::{
    clipboard,
    color::Depth,
    input,
    mouse::mouse,
    session::Session,
    settings,
    signals::{SignalRequest, Signals},
    svg,
    terminal::TerminalScreen,
    theme::Theme,
    views::{self, DrawContext},
};

/// Shortest time between two frames caused by workers.
const FRAME: Duration = Duration::from_millis(33);

/// Time between two frames of an animation.
const TICK: Duration = Duration::from_millis(100);

/// Exit codes for ctrl-c and for a lost terminal.
const INTERRUPT: u8 = 130;
const HANGUP: u8 = 129;

/// What the explorer opens.
#[derive(Default)]
pub struct ExploreOptions {
    /// Starts the worker that owns the model; `None` for saved runs only.
    pub model: Option<StartModel>,
    /// Starts the workers of experiments, for saved runs too.
    pub experiments: Option<StartExperiments>,
    /// Opens other models.
    pub open_model: Option<OpenModel>,
    /// Name of the model, as `-m` takes it.
    pub model_name: Option<String>,
    /// The request of the last saved run, from which other runs start; needs the model.
    pub resumed: Option<RunRequest>,
    /// The first run to compute.
    pub first: Option<RunRequest>,
    /// Tasks and templates the user can switch to.
    pub choices: Vec<TaskChoice>,
    /// Runs from disk to open.
    pub saved: Vec<Run>,
    /// Store whose runs are listed.
    pub store: Store,
}

/// How the explorer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code: 0, or 128 plus the signal's number.
    pub code: u8,
    /// What there is to say about the stored session.
    pub note: Option<String>,
}

/// Runs the explorer until the user quits.
///
/// # Errors
/// If the terminal or a thread is not available.
pub fn explore(options: ExploreOptions) -> Result<Ended> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| terminal_error(&error))?;
    runtime.block_on(async { Explorer::open(options)?.run().await.map_err(|error| terminal_error(&error)) })
}

fn terminal_error(error: &io::Error) -> Error {
    InputError::new(format!("the terminal cannot be used: {error}")).into()
}

type Keys = UnboundedReceiver<io::Result<Input>>;

/// Reads the terminal in a separate task, so that all waiting events can be handled together.
fn spawn_terminal_reader() -> Keys {
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
    session: Session,
    tick: usize,
}

impl Explorer {
    /// Takes over the terminal and draws the first frame before any worker starts.
    fn open(options: ExploreOptions) -> Result<Self> {
        let (keymap, themes) = settings::load(Depth::detect(|name| std::env::var(name).ok()))?;
        let session = Session::load();
        let mut state = State::new(keymap, options.choices);
        state.theme = session.theme(&themes);
        session.restore_edits(&mut state);
        state.quitting.confirms = settings::confirms_quit()?;
        state.quitting.keeps = session.is_kept();
        let signals = Signals::listen().map_err(|error| terminal_error(&error))?;
        let screen = TerminalScreen::open().map_err(|error| terminal_error(&error))?;
        let (sender, inbox) = unbounded_channel();
        // Messages are dropped once the loop has ended.
        let send = move |message| drop(sender.send(message));
        let executor =
            Executor::new(send, options.model, options.experiments, options.store).opening(options.open_model);
        session.restore_models(&mut state, options.model_name.as_deref());
        let first = options.first.map_or_else(Vec::new, |first| state.begin(first));
        let mut explorer = Self { state, themes, screen, executor, inbox, signals, session, tick: 0 };
        explorer.draw().map_err(|error| terminal_error(&error))?;
        let stats = explorer.state.open(options.saved);
        if let Some(request) = options.resumed {
            explorer.state.resume(request);
        }
        explorer.executor.execute(first);
        explorer.executor.execute(stats);
        explorer.restore_session();
        Ok(explorer)
    }

    /// Restores the screen and cursor stored for the first run.
    fn restore_session(&mut self) {
        let effects = self.session.restore(&mut self.state);
        self.executor.execute(effects);
    }

    /// Runs until the user quits, then stores the session.
    async fn run(mut self) -> io::Result<Ended> {
        let code = self.run_loop().await;
        let note = self.session.save(&self.state, &self.themes);
        Ok(Ended { code: code?, note })
    }

    async fn run_loop(&mut self) -> io::Result<u8> {
        let mut keys = spawn_terminal_reader();
        let mut drawn = Instant::now();
        let mut due = Some(drawn);
        loop {
            let frame = due.unwrap_or(drawn);
            tokio::select! {
                biased;
                signal = self.signals.next() => {
                    match signal {
                        SignalRequest::Leave(code) => return Ok(code),
                        SignalRequest::Stop => self.screen.suspend()?,
                        SignalRequest::Continue => self.screen.resume()?,
                    }
                    due = Some(Instant::now());
                }
                () = sleep_until(frame), if due.is_some() => {
                    self.draw()?;
                    drawn = Instant::now();
                    due = self.state.is_moving().then(|| drawn + TICK);
                }
                event = keys.recv() => {
                    if let Some(code) = self.handle_events(event, &mut keys)? {
                        return Ok(code);
                    }
                    due = Some(Instant::now());
                }
                Some(message) = self.inbox.recv() => {
                    let effects = receive(&mut self.state, message);
                    self.executor.execute(effects);
                    self.restore_session();
                    let soon = drawn + FRAME;
                    due = Some(due.map_or(soon, |due| due.min(soon)));
                }
            }
        }
    }

    /// Handles this event and all waiting ones; `Some` is the exit code.
    fn handle_events(&mut self, first: Option<io::Result<Input>>, keys: &mut Keys) -> io::Result<Option<u8>> {
        let Some(mut event) = first else { return Ok(Some(HANGUP)) };
        loop {
            match self.handle_event(&event?) {
                Some(TerminalRequest::Leave(Leave::Asked)) => return Ok(Some(0)),
                Some(TerminalRequest::Leave(Leave::Interrupted)) => return Ok(Some(INTERRUPT)),
                Some(TerminalRequest::Suspend) => self.screen.suspend()?,
                Some(TerminalRequest::Copy(text)) => self.screen.send(&clipboard::sequence(&text))?,
                Some(TerminalRequest::Export { path, csv, replace }) => {
                    let svg = self.picture();
                    let request = FileRequest::Export { path, svg, csv, replace };
                    self.executor.execute(vec![Effect::File(request)]);
                }
                None => {}
            }
            match keys.try_recv() {
                Ok(next) => event = next,
                Err(_) => return Ok(None),
            }
        }
    }

    fn handle_event(&mut self, event: &Input) -> Option<TerminalRequest> {
        self.state.page = views::page(self.screen.area(), &self.state).into();
        let effects = match event {
            Input::Key(key) => press(&mut self.state, input::key(*key)?),
            Input::Paste(text) => type_text(&mut self.state, text),
            Input::Mouse(event) => mouse(&mut self.state, self.screen.area(), *event),
            _ => Vec::new(),
        };
        self.executor.execute(effects)
    }

    /// Draws the screen as SVG, in the colours of the built-in theme of the same name or the first one.
    fn picture(&self) -> String {
        let themes = Theme::built_in(Depth::True).unwrap_or_default();
        let shown = self.themes.get(self.state.theme % self.themes.len().max(1));
        let same = themes.iter().find(|theme| shown.is_some_and(|shown| shown.name == theme.name));
        let mut buf = Buffer::empty(self.screen.area());
        if let Some(theme) = same.or(themes.first()) {
            views::draw(&mut buf, DrawContext { state: &self.state, theme, tick: 0 });
        }
        svg::render(&buf)
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
