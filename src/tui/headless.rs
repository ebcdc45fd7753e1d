//! The explorer without a terminal: real workers, and a buffer instead of a screen. Pictures are made with it.

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
    theme::Theme,
    views::{self, DrawContext},
};

/// An explorer that is played from a script.
pub struct Headless {
    state: State,
    executor: Executor,
    inbox: Receiver<Message>,
    themes: Vec<Theme>,
}

impl Headless {
    /// Opens the explorer and waits until it has done what it begins with.
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
        headless.settle();
        Ok(headless)
    }

    /// Presses keys, written as in the keymap with spaces between them, and waits for what they start.
    ///
    /// # Errors
    /// If one of them is not a key.
    pub fn keys(&mut self, keys: &str) -> Result<&mut Self> {
        for key in keys.split_whitespace() {
            let key =
                key.parse().map_err(|error: crate::app::keymap::ParseKeyError| InputError::new(error.to_string()))?;
            let effects = press(&mut self.state, key);
            self.executor.execute(effects);
            self.settle();
        }
        Ok(self)
    }

    /// Waits until nothing moves any more.
    fn settle(&mut self) {
        while self.state.is_moving() || self.state.is_waiting() {
            let Ok(message) = self.inbox.recv() else { return };
            let effects = receive(&mut self.state, message);
            self.executor.execute(effects);
        }
    }

    /// The frame of this size.
    pub fn frame(&self, size: Size) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        if let Some(theme) = self.themes.get(self.state.theme % self.themes.len().max(1)) {
            views::draw(&mut buf, DrawContext { state: &self.state, theme, tick: 0 });
        }
        buf
    }

    /// The frame of this size as an SVG document.
    pub fn svg(&self, size: Size) -> String {
        svg::render(&self.frame(size))
    }
}
