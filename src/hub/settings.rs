//! Hub settings from the environment.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    disk::{self, expand_with},
    error::{InputError, Result},
};

/// Whether `--offline` was given.
static OFFLINE: AtomicBool = AtomicBool::new(false);

/// Forbids all connections until the program ends.
pub fn go_offline() {
    OFFLINE.store(true, Ordering::Relaxed);
}

/// Environment variable with the seconds for which a server may be silent.
const TIMEOUT: &str = "HF_HUB_DOWNLOAD_TIMEOUT";

/// How long a server may be silent if `HF_HUB_DOWNLOAD_TIMEOUT` is not set, as in Hugging Face's own client.
const PATIENCE: Duration = Duration::from_secs(10);

/// Settings of the hub and its cache.
#[derive(Clone)]
pub struct Settings {
    /// Cache folder, with subfolders such as `models--org--name`.
    pub cache: PathBuf,
    /// URL of the hub: `https://huggingface.co` or a mirror.
    pub endpoint: String,
    /// Access token for gated and private models.
    pub token: Option<String>,
    /// The setting that forbids connections, e.g. `HF_HUB_OFFLINE`; `None` if they are allowed.
    pub offline: Option<&'static str>,
    /// How long a server may take to connect, to answer, or to send more; `HF_HUB_DOWNLOAD_TIMEOUT` in seconds.
    pub patience: Duration,
}

impl fmt::Debug for Settings {
    /// Writes all but the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, endpoint, token, offline, patience } = self;
        let token = token.as_ref().map(|_| "…");
        let mut fields = f.debug_struct("Settings");
        fields.field("cache", cache).field("endpoint", endpoint).field("token", &token);
        fields.field("offline", offline).field("patience", patience).finish()
    }
}

impl Settings {
    /// Reads the settings from the environment.
    ///
    /// # Errors
    /// If `HF_HUB_DOWNLOAD_TIMEOUT` is not a positive number.
    pub fn from_env() -> Result<Self, InputError> {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InputError> {
        let path = |name: &str| variable(name).map(|path| expand_with(Path::new(&path), &variable));
        let user = || path("HOME").or_else(|| path("USERPROFILE")).unwrap_or_default();
        let caches = || path("XDG_CACHE_HOME").unwrap_or_else(|| user().join(".cache"));
        let home = path("HF_HOME").unwrap_or_else(|| caches().join("huggingface"));
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let stored = || String::from_utf8(disk::read(&token_file).ok()?).ok();
        let token = variable("HF_TOKEN").or_else(stored).map(|token| token.trim().to_owned());
        let set = |name: &&str| {
            let value = variable(name).unwrap_or_default().to_ascii_lowercase();
            matches!(value.as_str(), "1" | "true" | "yes" | "on")
        };
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Ok(Self {
            cache: cache.unwrap_or_else(|| home.join("hub")),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.filter(|token| !token.is_empty()),
            patience: variable(TIMEOUT).map_or(Ok(PATIENCE), |text| seconds(&text))?,
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].into_iter().find(set).or_else(offline_flag),
        })
    }
}

/// Longest patience in seconds: a day.
const LONGEST: f64 = 86_400.0;

/// Parses a positive number of seconds.
fn seconds(text: &str) -> Result<Duration, InputError> {
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| !seconds.is_nan());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.min(LONGEST)).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| {
        let problem = format!("`{text}` is not a positive number of seconds");
        InputError::new(problem).field(TIMEOUT).help("write a number such as 60, or unset it")
    })
}

fn offline_flag() -> Option<&'static str> {
    OFFLINE.load(Ordering::Relaxed).then_some("--offline")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        read(variables).unwrap()
    }

    fn read(variables: &[(&str, &str)]) -> Result<Settings, InputError> {
        Settings::read(|name| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn settings_are_read_from_the_environment() {
        let plain = settings(&[("HOME", "/h")]);
        assert_eq!(plain.cache, Path::new("/h/.cache/huggingface/hub"));
        assert_eq!((plain.endpoint.as_str(), plain.offline), ("https://huggingface.co", None));
        assert_eq!(settings(&[("XDG_CACHE_HOME", "/x")]).cache, Path::new("/x/huggingface/hub"));
        assert_eq!(settings(&[("HF_HOME", "/f"), ("XDG_CACHE_HOME", "/x")]).cache, Path::new("/f/hub"));
        assert_eq!(settings(&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")]).cache, Path::new("/c"));
        assert_eq!(settings(&[("HF_HOME", "~/f"), ("HOME", "/h")]).cache, Path::new("/h/f/hub"));
        assert_eq!(settings(&[("HF_HUB_CACHE", "$DATA/c"), ("DATA", "/d")]).cache, Path::new("/d/c"));
        assert_eq!(settings(&[("XDG_CACHE_HOME", "~/x"), ("HOME", "/h")]).cache, Path::new("/h/x/huggingface/hub"));
        assert_eq!(settings(&[("HF_TOKEN", " hf_x\n")]).token.as_deref(), Some("hf_x"));
        assert_eq!(settings(&[("HF_HUB_OFFLINE", "1")]).offline, Some("HF_HUB_OFFLINE"));
        assert_eq!(settings(&[("TRANSFORMERS_OFFLINE", "YES")]).offline, Some("TRANSFORMERS_OFFLINE"));
        assert_eq!(settings(&[("HF_HUB_OFFLINE", "0")]).offline, None);
        assert_eq!(settings(&[("HF_HUB_DOWNLOAD_TIMEOUT", "2.5")]).patience, Duration::from_millis(2500));
        for wrong in ["0", "-1", "soon", "nan"] {
            let error = read(&[("HF_HUB_DOWNLOAD_TIMEOUT", wrong)]).unwrap_err().to_string();
            assert!(error.contains("HF_HUB_DOWNLOAD_TIMEOUT") && error.contains(wrong), "{error}");
        }
        let shown = format!("{:?}", settings(&[("HF_TOKEN", "hf_x")]));
        assert!(!shown.contains("hf_x") && shown.contains("token: Some"), "{shown}");
    }
}
