//! Prediction methods and their names, the keys of accuracies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Error;

macro_rules! methods {
    ($($variant:ident $name:literal $title:literal $doc:literal)*) => {
        /// A prediction method. Scripts rely on its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Method {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Method {
            /// All methods, in the order in which tables list them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the name in files and tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the name in plain words for a screen, of at most 17 columns.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Returns a one-line description for help and legends.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

methods! {
    Standard "standard" "the model itself" "the model itself, with the run's demonstrations"
    StandardK "standard_k" "model, all shots" "the model itself, with the whole label budget as demonstrations"
    Prompts "prompts" "nearest shots" "the model itself, with the nearest labelled examples as demonstrations"
    Calib "calib" "Calib+" "Calib+: a learned factor per label on the model's probabilities"
    Contextual "contextual" "contextual calib." "contextual calibration on content-free inputs"
    Domain "domain" "domain calib." "domain-context calibration on random words of the test texts (transductive)"
    Looc "looc" "LOO calibration" "leave-one-out calibration, with the whole label budget as demonstrations"
    Linc "linc" "LinC" "LinC: a learned affine map of the model's probabilities, from contextual calibration"
    HiddenCentroid "hidden_centroid" "hidden centroid" "Hidden Calibration: the nearest class centroid in the last hidden state"
    HiddenLogistic "hidden_logistic" "hidden logistic" "logistic regression on the last hidden state"
    Sav "sav" "attention vectors" "sparse attention vectors: a vote of the heads whose values separate the classes best"
    UnibiasHeads "unibias_heads" "UniBias on heads" "UniBias on attention heads: heads that push to the same labels are weighted down inside the model"
    Batch "batch" "batch calibration" "batch calibration: divides by the mean probabilities of the test batch (transductive)"
    BestComponent "best_component" "best component" "the single component most accurate on the training labels"
    Vote "vote" "vote of the best" "majority vote of the components most accurate on the training labels"
    Random "random" "random weights" "random weights, as a control"
    CompRw "comprw" "CompRW, printed" "component reweighting as printed in the paper"
    CompRwReleased "comprw_released" "CompRW, released" "component reweighting as in the paper's released code"
    Partscope "partscope" "partscope" "component reweighting with our default options"
    RidgeCv "ridge_cv" "cross-val. ridge" "a ridge towards the model, its strength cross-validated on the training labels"
    LooCalib "loo_calib" "Calib+, LOO" "Calib+ on leave-one-out prompts: the whole label budget as demonstrations and as training examples"
    LooCompRw "loo_comprw" "CompRW, LOO" "component reweighting as printed, on leave-one-out prompts"
    LooCompRwReleased "loo_comprw_released" "CompRW rel., LOO" "component reweighting as released, on leave-one-out prompts"
    LooPartscope "loo_partscope" "partscope, LOO" "our default on leave-one-out prompts"
    Transfer "transfer" "other runs' fit" "our default fitted on other runs only"
    Convex "convex" "convex fit" "component reweighting to the optimum of the given options"
    Manual "manual" "by hand" "weights set by hand"
    OracleBestComponent "oracle_best_component" "oracle best" "the component most accurate on the test labels (leakage)"
    OracleWorstComponent "oracle_worst_component" "oracle worst" "the component least accurate on the test labels (leakage)"
    OracleVote "oracle_vote" "oracle vote" "majority vote of the components most accurate on the test labels (leakage)"
}

impl Method {
    /// Returns whether the method uses test labels: its accuracy is an upper bound, not a result.
    pub const fn is_oracle(self) -> bool {
        matches!(self, Self::OracleBestComponent | Self::OracleWorstComponent | Self::OracleVote)
    }

    /// Returns whether the method runs prompts of its own.
    pub const fn runs_prompts(self) -> bool {
        use Method::{
            Contextual, Domain, Linc, LooCalib, LooCompRw, LooCompRwReleased, LooPartscope, Looc, Prompts, StandardK,
        };
        matches!(
            self,
            StandardK
                | Prompts
                | Contextual
                | Domain
                | Looc
                | Linc
                | LooCalib
                | LooCompRw
                | LooCompRwReleased
                | LooPartscope
        )
    }

    /// Returns whether the method needs hidden states.
    pub const fn needs_hidden(self) -> bool {
        matches!(self, Self::HiddenCentroid | Self::HiddenLogistic | Self::Sav)
    }

    /// Returns whether the method runs the model with heads weighted down.
    pub const fn needs_reruns(self) -> bool {
        matches!(self, Self::UnibiasHeads)
    }

    /// Returns whether a prediction depends on the other test examples.
    pub const fn is_transductive(self) -> bool {
        matches!(self, Self::Batch | Self::Domain)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = || Self::ALL.iter().map(|method| method.name().to_owned()).collect();
        Self::ALL.iter().copied().find(|method| method.name() == text).ok_or_else(|| Error::Unknown {
            what: "method",
            given: text.to_owned(),
            known: known(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_oracles_have_the_prefix() {
        for &method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
            assert_eq!(method.is_oracle(), method.name().starts_with("oracle_"));
            assert!(method.title().chars().count() <= 17 && !method.title().contains('_'), "{}", method.title());
        }
        assert!("best".parse::<Method>().unwrap_err().to_string().contains("comprw_released"));
    }
}
