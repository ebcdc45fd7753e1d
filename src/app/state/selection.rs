//! What the cursor stands on, and what is done to it is done to.

use crate::component::Component;

use super::{Cursor, Screen, State};

impl State {
    /// The component under the cursor, by number.
    pub fn selected(&self) -> Option<usize> {
        let shape = self.sheet()?.shape;
        let (layer, column) = (self.cursor.layer.min(shape.layers - 1), self.cursor.column.min(shape.heads));
        Some(layer * (shape.heads + 1) + column)
    }

    /// Moves the cursor to a component.
    pub fn select(&mut self, component: usize) {
        if let Some(shape) = self.sheet().map(|sheet| sheet.shape) {
            let (layer, column) = (component / (shape.heads + 1), component % (shape.heads + 1));
            self.cursor = Cursor { layer, column };
            self.mixer.on_rest = false;
        }
    }

    /// Whether a component is of a kind that is shown.
    pub fn shows(&self, component: usize) -> bool {
        self.kinds.is_none() || self.sheet().is_some_and(|sheet| sheet.kind(component) == self.kinds)
    }

    /// The strips of the mixing desk as they are listed: `rest`, then the components in their order.
    pub fn strips(&self) -> impl Iterator<Item = usize> {
        self.sheet().map(|sheet| sheet.desk.rest_strip()).into_iter().chain(self.order.iter().copied())
    }

    /// The strip under the cursor.
    pub fn strip(&self) -> Option<usize> {
        let on_rest = self.screen == Screen::Mix && self.mixer.on_rest;
        if on_rest { Some(self.sheet()?.desk.rest_strip()) } else { self.selected() }
    }

    /// The strips that the mix is moved at: those that are marked, or the one under the cursor.
    pub fn targets(&self) -> Vec<usize> {
        if self.marks.is_empty() { self.strip().into_iter().collect() } else { self.marks.iter().copied().collect() }
    }

    /// The name of the component under the cursor.
    pub fn selected_name(&self) -> Option<Component> {
        Some(self.sheet()?.name(self.selected()?))
    }
}
