//! Components of a decoder, attention heads and MLPs, and their names.
//!
//! Tables, files and screens all identify components by this type.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The part of a layer that a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The attention head with this index.
    Head(usize),
    /// The MLP (for a mixture of experts, the output of the mixture).
    Mlp,
}

/// An attention head or an MLP, written `L5.H3` or `L5.MLP`.
///
/// ```
/// use partscope::{Component, Part};
///
/// let head: Component = "L5.H3".parse().unwrap();
/// assert_eq!(head, Component { layer: 5, part: Part::Head(3) });
/// assert_eq!(Component::mlp(5).to_string(), "L5.MLP");
/// assert!("L5".parse::<Component>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Component {
    /// Index of the layer, from 0 at the embedding.
    pub layer: usize,
    /// Part of the layer.
    pub part: Part,
}

/// Error for text that is not the name of a component.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a component: write an attention head as L5.H3 and an MLP as L5.MLP")]
pub struct ParseComponentError(String);

impl Component {
    /// Creates the attention head `head` of layer `layer`.
    pub const fn head(layer: usize, head: usize) -> Self {
        Self { layer, part: Part::Head(head) }
    }

    /// Creates the MLP of layer `layer`.
    pub const fn mlp(layer: usize) -> Self {
        Self { layer, part: Part::Mlp }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.part {
            Part::Head(head) => format!("L{}.H{head}", self.layer),
            Part::Mlp => format!("L{}.MLP", self.layer),
        };
        f.pad(&name)
    }
}

impl FromStr for Component {
    type Err = ParseComponentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (layer, part) = text.strip_prefix('L')?.split_once('.')?;
            let layer = layer.parse().ok()?;
            match part {
                "MLP" => Some(Self::mlp(layer)),
                head => Some(Self::head(layer, head.strip_prefix('H')?.parse().ok()?)),
            }
        };
        // A component has one name: neither `L00.H0` nor `L+0.H0` is one.
        parse().filter(|component| component.to_string() == text).ok_or_else(|| ParseComponentError(text.to_owned()))
    }
}

impl From<Component> for String {
    fn from(component: Component) -> Self {
        component.to_string()
    }
}

impl TryFrom<String> for Component {
    type Error = ParseComponentError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The dimensions of an attribution, and the order of its components.
///
/// Components are numbered layer by layer, heads first and then the MLP: `L0.H0, L0.H1, …, L0.MLP, L1.H0, …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// Number of layers `L`.
    pub layers: usize,
    /// Number of attention heads per layer `H`.
    pub heads: usize,
    /// Number of label words `Y`.
    pub labels: usize,
}

impl Shape {
    /// Returns the number of components, `L · (H + 1)`.
    pub const fn components(&self) -> usize {
        self.layers * (self.heads + 1)
    }

    /// Returns the component at `index`, in the order above.
    pub const fn component(&self, index: usize) -> Component {
        let (layer, column) = (index / (self.heads + 1), index % (self.heads + 1));
        if column == self.heads { Component::mlp(layer) } else { Component::head(layer, column) }
    }

    /// Returns the index of `component` in the order above; `None` if a model of this shape has no such component.
    pub const fn index(&self, component: Component) -> Option<usize> {
        let column = match component.part {
            Part::Head(head) if head < self.heads => head,
            Part::Head(_) => return None,
            Part::Mlp => self.heads,
        };
        if component.layer < self.layers { Some(component.layer * (self.heads + 1) + column) } else { None }
    }

    /// Iterates over all components, in order.
    pub fn iter(&self) -> impl Iterator<Item = Component> + use<> {
        let shape = *self;
        (0..shape.components()).map(move |index| shape.component(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 2 };

    #[test]
    fn order_and_names_round_trip() {
        for (index, component) in SHAPE.iter().enumerate() {
            assert_eq!(SHAPE.index(component), Some(index));
            assert_eq!(component.to_string().parse::<Component>().unwrap(), component);
        }
        assert_eq!(SHAPE.component(4), Component::mlp(0));
        assert_eq!(SHAPE.index(Component::head(0, 4)), None);
        assert_eq!(SHAPE.index(Component::mlp(3)), None);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in [
            "", "L", "L1", "L1.", "L1.H", "L1.Hx", "1.H2", "L-1.H2", "L1.mlp", "L1.H2.3", "L00.H0", "L0.H00", "L+1.H2",
            "L1.H+2",
        ] {
            assert!(name.parse::<Component>().is_err(), "{name}");
        }
    }
}
