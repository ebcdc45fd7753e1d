//! Small scenes (who did what to which thing, and where) for the tasks that compare two texts.

use crate::draw::Draw;

/// First names.
pub(crate) const NAMES: &[&str] = &[
    "Anna", "Tom", "Maria", "Ben", "Lucy", "Peter", "Clara", "Sam", "Rosa", "Jack", "Nina", "Paul", "Emma", "Oscar",
    "Ruth", "Hugo",
];

/// Kinds of things, each with its members.
pub(crate) const KINDS: &[(&str, &[&str])] = &[
    ("animal", &["dog", "cat", "horse", "rabbit", "goat", "parrot", "donkey", "turtle", "hamster", "ferret"]),
    ("vehicle", &["car", "truck", "bicycle", "van", "tractor", "scooter", "lorry", "tram", "canoe", "moped"]),
    ("tool", &["hammer", "saw", "ladder", "drill", "shovel", "wrench", "rake", "axe", "chisel", "pincer"]),
    ("garment", &["coat", "scarf", "shirt", "hat", "jacket", "skirt", "jumper", "cardigan", "waistcoat", "bonnet"]),
    ("fruit", &["apple", "pear", "melon", "lemon", "peach", "plum", "cherry", "apricot", "mango", "quince"]),
    ("toy", &["kite", "doll", "puzzle", "ball", "balloon", "marble", "puppet", "rattle", "yo-yo", "skittle"]),
    ("seat", &["chair", "bench", "sofa", "stool", "armchair", "couch", "pew", "throne", "hammock", "saddle"]),
    ("flower", &["rose", "tulip", "lily", "daisy", "orchid", "poppy", "violet", "pansy", "lavender", "peony"]),
];

/// Colours.
pub(crate) const COLOURS: &[&str] = &["red", "blue", "green", "white", "black", "yellow", "brown", "grey"];

/// Places of scenes.
pub(crate) const PLACES: &[&str] = &[
    "garden", "market", "park", "school", "station", "attic", "barn", "office", "cellar", "museum", "library", "square",
];

/// Actions, in past tense and infinitive.
pub(crate) const DEEDS: &[(&str, &str)] = &[
    ("bought", "buy"),
    ("found", "find"),
    ("sold", "sell"),
    ("lost", "lose"),
    ("washed", "wash"),
    ("painted", "paint"),
    ("borrowed", "borrow"),
    ("dropped", "drop"),
    ("hid", "hide"),
    ("stole", "steal"),
    ("repaired", "repair"),
    ("sketched", "sketch"),
];

/// One event.
#[derive(Clone, PartialEq)]
pub(crate) struct Scene {
    /// Acting person.
    pub(crate) name: &'static str,
    /// Action: past tense and infinitive.
    pub(crate) deed: (&'static str, &'static str),
    /// Kind of the thing.
    pub(crate) kind: &'static str,
    /// The thing.
    pub(crate) thing: &'static str,
    /// Its colour.
    pub(crate) colour: &'static str,
    /// Place.
    pub(crate) place: &'static str,
}

impl Scene {
    /// Draws a scene.
    pub(crate) fn new(draw: &mut Draw) -> Self {
        let (kind, members) = *draw.pick(KINDS);
        Self {
            name: draw.zipf(NAMES),
            deed: *draw.pick(DEEDS),
            kind,
            thing: draw.zipf(members),
            colour: draw.zipf(COLOURS),
            place: draw.zipf(PLACES),
        }
    }

    /// Draws a scene that has nothing in common with this one.
    pub(crate) fn stranger(&self, draw: &mut Draw) -> Self {
        loop {
            let other = Self::new(draw);
            if other.name != self.name
                && other.deed != self.deed
                && other.kind != self.kind
                && other.colour != self.colour
                && other.place != self.place
            {
                return other;
            }
        }
    }

    /// Returns the thing with its colour: `a red kite`.
    pub(crate) fn coloured(&self) -> String {
        format!("a {} {}", self.colour, self.thing)
    }

    /// Returns the thing: `a kite`.
    pub(crate) fn plain(&self) -> String {
        with_article(self.thing)
    }

    /// Returns the kind of thing: `a toy`.
    pub(crate) fn loose(&self) -> String {
        with_article(self.kind)
    }
}

/// Returns the word with its indefinite article.
pub(crate) fn with_article(word: &str) -> String {
    format!("{} {word}", crate::opinion::article(word))
}
