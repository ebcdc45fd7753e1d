//! Sweeps of the demo in a folder of their own, for tests on the real binary.

#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{command, json, stdout};

pub const SWEEP: &str =
    "models = ['demo']\ntasks = ['sentiment', 'topic']\ntemplates = 1\nseeds = 2\nbudgets = [8]\nlimit = 12\n";
pub const FILES: [&str; 4] = ["rows.csv", "rows.parquet", "tables.json", "report.html"];

pub struct Sweep(TempDir);

impl Sweep {
    /// A planned sweep whose model was not measured.
    pub fn planned(text: &str) -> Self {
        let sweep = Self::new(text);
        sweep.ok(&["plan", &sweep.text("sweep.toml"), "-o", &sweep.text("s"), "--no-measure"]);
        sweep
    }

    /// The file of a sweep that is not planned yet.
    pub fn new(text: &str) -> Self {
        let sweep = Self(TempDir::new().unwrap());
        fs::write(sweep.path("sweep.toml"), text).unwrap();
        sweep
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A call of `sweep` with a store of its own.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&[&["sweep"], args].concat());
        command.env("PARTSCOPE_CACHE", self.path("cache"));
        command
    }

    pub fn call(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        self.command(args).envs(variables.iter().copied()).output().unwrap()
    }

    pub fn ok(&self, args: &[&str]) -> String {
        stdout(&self.call(args, &[]))
    }

    pub fn run(&self, partition: &str) {
        self.ok(&["run", &self.text("s"), "--partition", partition]);
    }

    /// Exit code and message of a command that fails.
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.call(args, &[]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    pub fn merged(&self, out: &str) -> [Vec<u8>; 4] {
        self.ok(&["merge", &self.text("s"), "-o", &self.text(out)]);
        FILES.map(|name| fs::read(self.path(out).join(name)).unwrap())
    }

    pub fn status(&self) -> Value {
        json(&self.call(&["status", &self.text("s"), "--json"], &[]))
    }

    /// The folder with results, failures and leases.
    pub fn state(&self) -> PathBuf {
        let folders = fs::read_dir(self.path("s")).unwrap().map(|entry| entry.unwrap().path());
        folders.into_iter().find(|path| path.is_dir()).unwrap()
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Names in a folder; none if it is not there.
pub fn names(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}
