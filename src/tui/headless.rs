//! The explorer without a terminal: real workers, and a buffer instead of a screen. Pictures are made with it.

use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    app::{Keymap, State, keymap::DEFAULT, press},
    error::{InputError, Result},
};

use super::{
    ExploreOptions,
    color::Depth,
    executor::{Executor, Message},
    svg,
    theme::Theme,
    views::{self, DrawContext},
};

/// An explorer that is played from a script.
pub struct Headless {
    state: State,
    executor: Executor,
    inbox: UnboundedReceiver<Message>,
    themes: Vec<Theme>,
}

impl Headless {
    /// Opens the explorer and waits until it has done what it begins with.
    ///
    /// # Errors
    /// If the built-in keymap or themes are not valid, which tests rule out.
    pub fn open(options: ExploreOptions) -> Result<Self> {
        let keymap = Keymap::parse(DEFAULT).map_err(|error| InputError::new(error.to_string()))?;
        let (executor, inbox) = Executor::new(options.model, options.study, options.store);
        let state = State::new(keymap, options.choices);
        let mut stage = Self { state, executor, inbox, themes: Theme::built_in(Depth::True)? };
        let first = options.first.map_or_else(Vec::new, |first| stage.state.begin(first));
        let judge = stage.state.open(options.saved);
        stage.executor.execute(&mut stage.state, first);
        stage.executor.execute(&mut stage.state, judge);
        stage.settle();
        Ok(stage)
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
            self.executor.execute(&mut self.state, effects);
            self.settle();
        }
        Ok(self)
    }

    /// Waits until nothing moves any more.
    fn settle(&mut self) {
        while self.state.is_moving() || self.state.is_waiting() {
            let Some(message) = self.inbox.blocking_recv() else { return };
            self.executor.hear(&mut self.state, message);
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
