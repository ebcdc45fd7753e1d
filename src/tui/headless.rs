//! Explorer without a terminal: real workers, and a buffer instead of a screen. Used to make pictures.

use std::sync::mpsc::{Receiver, channel};

use crate::{
    app::{Executor, Keymap, Message, State, keymap::DEFAULT, press, receive},
    error::{InputError, Result},
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use super::{
    ExploreOptions,
    color::Depth,
    svg,
    terminal::remove_unsafe,
    theme::Theme,
    views::{self, DrawContext},
};

/// Explorer driven by a script.
pub struct Headless {
    state: State,
    executor: Executor,
    inbox: Receiver<Message>,
    themes: Vec<Theme>,
}

impl Headless {
    /// Opens the explorer and waits until the first run is complete.
    ///
    /// # Errors
    /// If the built-in keymap or themes are not valid, which tests rule out.
    pub fn open(options: ExploreOptions) -> Result<Self> {
        let keymap = Keymap::parse(DEFAULT).map_err(|error| InputError::new(error.to_string()))?;
        let (sender, inbox) = channel();
        let send = move |message| drop(sender.send(message));
        let executor = Executor::new(send, options.model, options.experiments, options.store);
        let state = State::new(keymap, options.choices);
        let mut headless = Self { state, executor, inbox, themes: Theme::built_in(Depth::True)? };
        let first = options.first.map_or_else(Vec::new, |first| headless.state.begin(first));
        let stats = headless.state.open(options.saved);
        headless.executor.execute(first);
        headless.executor.execute(stats);
        headless.wait_until_idle();
        Ok(headless)
    }

    /// Presses keys, separated by spaces and written as in the keymap, and waits for the work they start.
    ///
    /// # Errors
    /// If one of them is not a key.
    pub fn keys(&mut self, keys: &str) -> Result<&mut Self> {
        for key in keys.split_whitespace() {
            let key =
                key.parse().map_err(|error: crate::app::keymap::ParseKeyError| InputError::new(error.to_string()))?;
            let effects = press(&mut self.state, key);
            self.executor.execute(effects);
            self.wait_until_idle();
        }
        Ok(self)
    }

    /// Waits until all workers are idle.
    fn wait_until_idle(&mut self) {
        while self.state.is_moving() || self.state.is_waiting() {
            let Ok(message) = self.inbox.recv() else { return };
            let effects = receive(&mut self.state, message);
            self.executor.execute(effects);
        }
    }

    /// Draws a frame of this size.
    pub fn frame(&self, size: Size) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        if let Some(theme) = self.themes.get(self.state.theme % self.themes.len().max(1)) {
            views::draw(&mut buf, DrawContext { state: &self.state, theme, tick: 0 });
            remove_unsafe(&mut buf);
        }
        buf
    }

    /// Draws a frame of this size as an SVG document.
    pub fn svg(&self, size: Size) -> String {
        svg::render(&self.frame(size))
    }
}
