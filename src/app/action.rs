//! Everything the explorer can be asked to do, said once.
//!
//! The name and the one-line description of an action stand here and nowhere else; its keys stand in
//! `assets/keymap.toml` and nowhere else. Help, footer hints and the palette are derived from the two.

/// Under which heading an action is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Where the cursor is.
    Cursor,
    /// What is shown of it.
    View,
    /// The weights of the components.
    Mix,
    /// What stands in the prompt.
    Prompt,
    /// Which model output is looked at.
    Run,
    /// The program itself.
    Program,
}

impl Section {
    /// All headings, in the order they are listed.
    pub const ALL: [Self; 6] = [Self::Cursor, Self::View, Self::Mix, Self::Prompt, Self::Run, Self::Program];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cursor => "move",
            Self::View => "look",
            Self::Mix => "mix",
            Self::Prompt => "prompt",
            Self::Run => "run",
            Self::Program => "program",
        }
    }
}

macro_rules! actions {
    ($($section:ident { $($action:ident $name:literal $description:literal,)* })*) => {
        /// One thing the user can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[doc = $description] $action,)*)* }

        impl Action {
            /// All actions, in the order they are listed.
            pub const ALL: &'static [Self] = &[$($(Self::$action,)*)*];

            /// The name, as the keymap and the palette write it.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$action => $name,)*)* }
            }

            /// What it does, in one line.
            pub const fn description(self) -> &'static str {
                match self { $($(Self::$action => $description,)*)* }
            }

            /// The heading it is listed under.
            pub const fn section(self) -> Section {
                match self { $($(Self::$action => Section::$section,)*)* }
            }
        }
    };
}

actions! {
    Cursor {
        Left "left" "Move left, to a component or in a line",
        Down "down" "Move one layer down, or one row in a list",
        Up "up" "Move one layer up, or one row in a list",
        Right "right" "Move right, to a component or in a line",
        RowStart "first-head" "Move to the first head of the layer",
        RowEnd "mlp" "Move to the MLP of the layer",
        Top "top" "Move to the last layer, or to the top of a list",
        Bottom "bottom" "Move to the first layer, or to the end of a list",
        Best "best" "Go to the component with the highest value",
        Worst "worst" "Go to the component with the lowest value",
        NextGood "next-good" "Go to the next good component",
        NextBad "next-bad" "Go to the next bad component",
        NextBiased "next-biased" "Go to the next label-biased component",
        Mark "mark" "Mark the component, or unmark it",
        MarkLayer "mark-layer" "Mark the components of the layer, or unmark them",
        MarkColumn "mark-column" "Mark the components of the column, or unmark them",
        MarkAll "mark-all" "Mark all components that are shown, or none",
    }
    View {
        Metric "metric" "Colour the map by the next quantity",
        Ranking "ranking" "Show the components as a map, or ranked",
        Detail "detail" "Give the component the whole side: confusion, other runs",
        Kinds "kinds" "Show all components, or those of one kind only",
        Mixer "mixer" "Open the mixing desk, or go back to the map",
        Prompt "prompt" "Open the demonstrations, or go back to the map",
        Examples "examples" "Open the examples, or go back to the map",
        Compare "compare" "Hold two runs against each other, or go back to the map",
        Matrix "matrix" "Hold all runs at hand against each other",
        Runs "runs" "Open the list of runs, or go back to the map",
        Open "open" "Open what the cursor is on",
        OtherRun "other-run" "Compare with the next run at hand",
        Filter "filter" "Show all, the wrong, or the flipped examples",
        FilterLabel "filter-label" "Show only examples of the next gold label, or of all",
        Search "search" "Show only examples whose text has what is typed",
        FullPrompt "full-prompt" "Show the example's prompt as the model reads it",
        ListDown "next-example" "Move to the next example of the list",
        ListUp "previous-example" "Move to the example before",
        PageDown "page-down" "Move one page down, or scroll what is read",
        PageUp "page-up" "Move one page up, or scroll what is read",
        Attention "attention" "Show where the selected head looks in the example",
        Writes "writes" "Show the words that the component promotes",
    }
    Mix {
        Fit "fit" "Fit the weights of all components to training examples",
        Method "method" "Choose the next method of fitting",
        Stronger "stronger" "Slide to a stronger penalty on the path of the fit",
        Weaker "weaker" "Slide to a weaker penalty on the path of the fit",
        ToggleMix "on-off" "Switch between the model itself and the mix",
        Mute "mute" "Silence what is selected or marked, or let it speak",
        Solo "solo" "Hear only what is selected or marked, or all again",
        GainUp "gain-up" "Give what is selected or marked more weight",
        GainDown "gain-down" "Give what is selected or marked less weight",
        FlipSign "invert" "Turn the vote of what is selected or marked around",
        Reset "reset" "Give what is selected or marked its weight of 1 again",
        ResetAll "reset-all" "Give everything its weight of 1 again",
        Undo "undo" "Take the last change back: of the mix, or of the prompt",
        Redo "redo" "Make the change again that was taken back",
        SaveMix "save-mix" "Write the mix to a weights file",
        LoadMix "load-mix" "Read a mix from a weights file",
        AblateMix "ablate" "Run the model again with the mix inside it",
        AblateEach "ablate-each" "Ablate each component: first the cost, then the sweep",
        Positions "positions" "Ablate at the last position, or at all positions",
        Fill "fill" "Ablate to zero, or to the mean result",
    }
    Prompt {
        Earlier "earlier" "Move the demonstration up in the prompt",
        Later "later" "Move the demonstration down in the prompt",
        Relabel "relabel" "Give the demonstration the next label",
        Another "another" "Put the next example of this label in its place",
        Replace "replace" "Choose an example of the pool in its place",
        Add "add" "Choose an example of the pool to stand after it",
        Remove "remove" "Take the demonstration out of the prompt",
        OwnText "own-text" "Type a text and see what the model and the mix say",
    }
    Run {
        NextTask "task" "Look at the next task",
        NextTemplate "template" "Put the task in the next template",
        NextSeed "next-demos" "Draw the next demonstration set",
        PreviousSeed "previous-demos" "Draw the demonstration set before",
        Queue "queue" "Run the next demonstration set after those under way",
        Delete "delete" "Close the run; pressed twice, delete one that is on disk",
        Rerun "run-again" "Run what is shown again",
        Cancel "cancel" "Stop what is being computed; what is there stays",
    }
    Program {
        Palette "palette" "Find an action by its name",
        Theme "theme" "Change between the dark and the light theme",
        Copy "copy" "Copy the selected component or example to the clipboard",
        Suspend "suspend" "Go to the background; fg comes back",
        Nothing "none" "Do nothing: takes a key away in a keymap of your own",
        Help "help" "Show what every key does",
        Close "close" "Close what lies on top, or go back to the map",
        Accept "accept" "Take what is chosen in a line that is typed",
        Erase "erase" "Take back the letter before the cursor of a line",
        EraseNext "erase-next" "Take back the letter under the cursor of a line",
        EraseWord "erase-word" "Take back the word before the cursor of a line",
        Clear "clear" "Empty a line that is typed",
        LineStart "line-start" "Go to the beginning of a line that is typed",
        LineEnd "line-end" "Go to the end of a line that is typed",
        Quit "quit" "Leave partscope",
        Interrupt "interrupt" "Leave at once, whatever is going on",
    }
}

impl Action {
    /// Whether it means something only while a line is typed.
    pub const fn is_of_a_line(self) -> bool {
        matches!(
            self,
            Self::Accept
                | Self::Erase
                | Self::EraseNext
                | Self::EraseWord
                | Self::Clear
                | Self::LineStart
                | Self::LineEnd
                | Self::Nothing
        )
    }

    /// The action of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_find_their_action() {
        for &action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(action));
            assert!(!action.description().ends_with('.'), "{action:?}");
        }
        assert_eq!(Action::named("no-such-action"), None);
    }
}
