//! The words sentences are made of, most frequent first: [`crate::draw::Draw::zipf`] draws early ones more often.

/// What a sentence can be about. The order is the order of the topic labels.
pub(crate) struct Topic {
    /// Who acts.
    pub(crate) people: &'static [&'static str],
    /// What is judged.
    pub(crate) things: &'static [&'static str],
}

/// Sports, food, music, travel.
pub(crate) const TOPICS: [Topic; 4] = [
    Topic {
        people: &[
            "coach", "striker", "goalkeeper", "referee", "captain", "runner", "team", "defender", "swimmer", "boxer", "jockey",
            "sprinter", "umpire", "cyclist", "skater",
        ],
        things: &[
            "match", "game", "race", "final", "goal", "penalty", "season", "training", "league", "stadium", "tournament",
            "pitch", "marathon", "half-time", "medal", "relay", "tackle", "championship", "sprint", "regatta", "volley", "rematch",
        ],
    },
    Topic {
        people: &[
            "cook", "waiter", "chef", "baker", "butcher", "kitchen", "waitress", "grocer", "brewer", "barista", "caterer",
            "farmer", "cheesemaker", "sommelier", "confectioner",
        ],
        things: &[
            "soup", "meal", "bread", "dinner", "cake", "sauce", "lunch", "menu", "cheese", "salad", "pie", "breakfast",
            "coffee", "stew", "casserole", "dessert", "pastry", "omelette", "risotto", "dumpling", "curry", "marinade",
        ],
    },
    Topic {
        people: &[
            "singer", "band", "drummer", "pianist", "guitarist", "orchestra", "choir", "conductor", "violinist", "composer",
            "bassist", "rapper", "cellist", "soprano", "trumpeter",
        ],
        things: &[
            "song", "concert", "album", "melody", "chorus", "tune", "record", "opera", "recital", "rhythm", "symphony", "solo",
            "serenade", "duet", "encore", "ballad", "sonata", "harmony", "overture", "finale", "quartet", "anthem",
        ],
    },
    Topic {
        people: &[
            "driver", "guide", "pilot", "tourist", "porter", "hotel", "airline", "traveller", "hiker",
            "stewardess", "innkeeper", "passenger", "backpacker", "sailor",
        ],
        things: &[
            "trip", "flight", "train", "room", "beach", "journey", "crossing", "tour", "ferry", "bus", "island", "harbour",
            "cruise", "excursion", "hostel", "stopover", "cabin", "sleeper", "lighthouse", "itinerary", "campsite", "voyage",
        ],
    },
];

/// Adjectives of praise.
pub(crate) const PRAISE: &[&str] = &[
    "good", "great", "wonderful", "excellent", "lovely", "fine", "brilliant", "pleasant", "superb", "charming", "perfect",
    "delightful", "splendid", "impressive", "amazing", "refreshing", "memorable", "fantastic", "marvellous", "graceful",
    "terrific", "first-rate", "enchanting", "flawless", "sublime", "exquisite", "stellar", "heavenly",
];

/// Adjectives of blame.
pub(crate) const BLAME: &[&str] = &[
    "bad", "awful", "poor", "terrible", "boring", "weak", "dull", "horrible", "disappointing", "dreadful", "unpleasant",
    "messy", "annoying", "miserable", "lousy", "mediocre", "tedious", "clumsy", "dismal", "shoddy", "appalling", "ghastly",
    "second-rate", "sloppy", "abysmal", "wretched", "atrocious", "shabby",
];

/// What somebody did well.
pub(crate) const TRIUMPHS: &[&str] = &[
    "delighted everyone", "did a great job", "made us smile", "was worth the wait", "kept every promise", "won us over",
    "exceeded our hopes", "saved the day", "deserved the applause", "never put a foot wrong", "outshone the rest",
    "left us beaming",
];

/// What somebody did badly.
pub(crate) const FAILURES: &[&str] = &[
    "let us down", "made a mess of it", "wasted our time", "fell flat", "broke every promise", "spoiled the day",
    "fell short of our hopes", "made us yawn", "lost our trust", "got everything wrong", "deserved the complaints",
    "left us fuming",
];

/// Verbs of people who were pleased.
pub(crate) const LIKED: &[&str] = &["loved", "enjoyed", "liked", "praised", "admired", "treasured", "applauded", "adored"];

/// Verbs of people who were not.
pub(crate) const DISLIKED: &[&str] = &["hated", "disliked", "regretted", "blamed", "mocked", "resented", "despised", "loathed"];

/// People who hold opinions, third person.
pub(crate) const JUDGES: &[&str] = &[
    "my sister", "we", "everyone", "the children", "my friends", "most people", "our neighbours", "my uncle", "the critics",
    "half the town",
];

/// When and where, without any evidence.
pub(crate) const ASIDES: &[&str] = &[
    "on Friday", "last night", "this year", "in the end", "as usual", "on Sunday", "in spring", "all week", "at last",
    "this morning", "in town", "by all accounts",
];

/// Degree words, without any evidence.
pub(crate) const DEGREES: &[&str] = &["very", "really", "quite", "rather", "truly", "simply", "utterly"];
