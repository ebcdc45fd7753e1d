//! The actions of the explorer.
//!
//! Names and one-line descriptions are defined only here, keys only in `assets/keymap.toml`. Help, footer hints and
//! the palette are derived from the two.

/// Heading under which an action is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Cursor movement.
    Cursor,
    /// What is shown.
    View,
    /// Weights of the components.
    Mix,
    /// Demonstrations in the prompt.
    Prompt,
    /// Which runs are computed and shown.
    Run,
    /// The program itself.
    Program,
}

impl Section {
    /// All headings, in listed order.
    pub const ALL: [Self; 6] = [Self::Cursor, Self::View, Self::Mix, Self::Prompt, Self::Run, Self::Program];

    /// Text of the heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cursor => "move",
            Self::View => "view",
            Self::Mix => "mix",
            Self::Prompt => "prompt",
            Self::Run => "run",
            Self::Program => "program",
        }
    }
}

macro_rules! actions {
    ($($section:ident { $($action:ident $name:literal $description:literal,)* })*) => {
        /// An action of the user.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[doc = $description] $action,)*)* }

        impl Action {
            /// All actions, in listed order.
            pub const ALL: &'static [Self] = &[$($(Self::$action,)*)*];

            /// Name in the keymap and the palette.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$action => $name,)*)* }
            }

            /// One-line description.
            pub const fn description(self) -> &'static str {
                match self { $($(Self::$action => $description,)*)* }
            }

            /// Heading under which it is listed.
            pub const fn section(self) -> Section {
                match self { $($(Self::$action => Section::$section,)*)* }
            }
        }
    };
}

actions! {
    Cursor {
        Left "left" "Move left",
        Down "down" "Move one layer down, or one row in a list",
        Up "up" "Move one layer up, or one row in a list",
        Right "right" "Move right",
        RowStart "first-head" "Move to the first head of the layer",
        RowEnd "mlp" "Move to the MLP of the layer",
        Top "top" "Move to the last layer, or to the top of the list",
        Bottom "bottom" "Move to the first layer, or to the end of the list",
        Best "best" "Go to the component with the highest value",
        Worst "worst" "Go to the component with the lowest value",
        NextGood "next-good" "Go to the next good component",
        NextBad "next-bad" "Go to the next bad component",
        NextBiased "next-biased" "Go to the next label-biased component",
        Mark "mark" "Mark or unmark the component",
        MarkLayer "mark-layer" "Mark or unmark all components of the layer",
        MarkColumn "mark-column" "Mark or unmark all components of the column",
        MarkAll "mark-all" "Mark or unmark all components shown",
    }
    View {
        Metric "metric" "Colour the map by the next quantity",
        PreviousMetric "previous-metric" "Colour the map by the previous quantity",
        Quantities "quantities" "List all quantities of the map",
        Ranking "ranking" "Switch between map, ranking and, of two runs, scatter",
        Zoom "zoom" "Enlarge the cells of the map, or fit all of them in",
        Detail "detail" "Show or hide details: confusion matrix and other runs",
        Kinds "kinds" "Show only components of the next kind, or all",
        Mixer "mixer" "Open the mixer, or return to the map",
        Prompt "prompt" "Open the demonstrations, or return to the map",
        Examples "examples" "Open the examples, or return to the map",
        Compare "compare" "Compare two runs, or return to the map",
        Matrix "matrix" "Compare all open runs, or return to the map",
        Runs "runs" "Open the list of runs, or return to the map",
        Open "open" "Open the selected run or pair of runs",
        OtherRun "other-run" "Compare with the next open run",
        ChooseOther "choose-other" "Choose the run to compare with from a list",
        SwapRuns "swap-runs" "Swap the two compared runs",
        Filter "filter" "List all, wrong or flipped examples",
        FilterLabel "filter-label" "List examples of the next gold label, or all",
        Search "search" "Search the examples for a text",
        FullPrompt "full-prompt" "Show or hide the full prompt of the example",
        ListDown "next-example" "Go to the next example",
        ListUp "previous-example" "Go to the previous example",
        PageDown "page-down" "Move or scroll one page down",
        PageUp "page-up" "Move or scroll one page up",
        Attention "attention" "Show which tokens the selected head attends to",
        LogitLens "logit-lens" "Show the words the component promotes and suppresses",
        LensByLayer "lens-by-layer" "Show what the residual stream predicts after each layer",
    }
    Mix {
        Fit "fit" "Fit the weights of all components to training examples",
        Method "method" "Choose the next fitting method",
        Stronger "stronger" "Make the penalty of the fit stronger",
        Weaker "weaker" "Make the penalty of the fit weaker",
        ToggleMix "on-off" "Switch between the model and the mix",
        Mute "mute" "Silence or unmute the selected or marked components",
        Solo "solo" "Keep only the selected or marked components, or all",
        GainUp "gain-up" "Raise the weight of what is selected or marked",
        GainDown "gain-down" "Lower the weight of what is selected or marked",
        FlipSign "invert" "Negate the weight of what is selected or marked",
        Reset "reset" "Reset the weight of what is selected or marked to 1",
        ResetAll "reset-all" "Reset all weights to 1",
        ApplyOtherMix "apply-other-mix" "Apply the mix of run A to run B",
        Undo "undo" "Undo the last change to the mix or the prompt",
        Redo "redo" "Redo the last undone change",
        SaveMix "save-mix" "Save the mix to a weights file",
        LoadMix "load-mix" "Load a mix from a weights file",
        AblateMix "ablate" "Rerun the model with the mix applied inside it",
        AblateEach "ablate-each" "Ablate each component in turn; shows the cost first",
        Positions "positions" "Ablate at the last position, or at all positions",
        Fill "fill" "Replace ablated outputs by zero, or by their mean",
    }
    Prompt {
        Earlier "earlier" "Move the demonstration up in the prompt",
        Later "later" "Move the demonstration down in the prompt",
        Relabel "relabel" "Give the demonstration the next label",
        Swap "swap" "Swap in the next example of the same label",
        Replace "replace" "Replace the demonstration with another example",
        Add "add" "Insert an example after the demonstration",
        Remove "remove" "Remove the demonstration from the prompt",
        TryText "try-text" "Type a text and see how the model and the mix label it",
    }
    Run {
        NextTask "task" "Switch to the next task",
        NextTemplate "template" "Switch to the next template",
        NextSeed "next-demos" "Switch to the next set of demonstrations",
        PreviousSeed "previous-demos" "Switch to the previous set of demonstrations",
        MoreShots "more-shots" "Run with one demonstration more per label",
        FewerShots "fewer-shots" "Run with one demonstration less per label",
        Queue "queue" "Queue a run with the next set of demonstrations",
        OpenFolder "open-folder" "Open the run that is saved in a folder",
        Delete "delete" "Close the run; press twice to delete a stored run",
        Rerun "run-again" "Run again, with any edits to the demonstrations",
        Cancel "cancel" "Stop the computation and keep its results so far",
    }
    Program {
        Palette "palette" "Find an action, component, run, task or example",
        Messages "messages" "Show the messages so far",
        Models "models" "Open another model: the demo, recent, cached, GGUF files",
        Theme "theme" "Switch to the next theme",
        Export "export" "Save this screen as SVG and PNG, and its table as CSV",
        Copy "copy" "Copy the selected row to the clipboard",
        Suspend "suspend" "Suspend partscope; fg resumes it",
        Nothing "none" "Do nothing: unbinds a key in keymap.toml",
        Help "help" "Show all keys",
        Close "close" "Close the popup, or return to the map",
        Accept "accept" "Accept the line, or the chosen entry",
        Erase "erase" "Delete the character before the cursor",
        EraseNext "erase-next" "Delete the character under the cursor",
        EraseWord "erase-word" "Delete the word before the cursor",
        Clear "clear" "Clear the line",
        LineStart "line-start" "Go to the start of the line",
        LineEnd "line-end" "Go to the end of the line",
        Quit "quit" "Quit partscope",
        Interrupt "interrupt" "Quit at once",
    }
}

/// Former names, which keymaps may still use.
const OLD_NAMES: [(&str, Action); 3] =
    [("writes", Action::LogitLens), ("another", Action::Swap), ("own-text", Action::TryText)];

impl Action {
    /// Whether the action only makes sense in an input line.
    pub const fn is_line_edit(self) -> bool {
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

    /// Returns the action of this name, which may be an old one.
    pub fn named(name: &str) -> Option<Self> {
        let current = Self::ALL.iter().copied().find(|action| action.name() == name);
        current.or_else(|| OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, action)| *action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_descriptions_fit_in_the_help() {
        for &action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(action));
            assert!(!action.description().ends_with('.'), "{action:?}");
            assert!(action.description().chars().count() <= 56, "{action:?}");
        }
        assert_eq!(Action::named("no-such-action"), None);
    }

    #[test]
    fn old_names_are_aliases() {
        for (old, name) in [("writes", "logit-lens"), ("another", "swap"), ("own-text", "try-text")] {
            assert_eq!(Action::named(old).unwrap().name(), name);
            assert!(Action::ALL.iter().all(|action| action.name() != old), "{old}");
        }
    }
}
