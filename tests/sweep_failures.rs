//! Sweeps whose processes are killed, whose clocks jump, or whose file system has no locks.

#![cfg(target_os = "linux")]

mod binary;
mod sweep_folder;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use binary::keys;
use serde_json::{Value, json};
use sweep_folder::{SWEEP, Sweep, files, names};

const DAY: Duration = Duration::from_secs(86_400);

/// The id of a cell by its place in the manifest.
fn id(sweep: &Sweep, at: usize) -> String {
    let manifest: Value = serde_json::from_str(&fs::read_to_string(sweep.path("s/manifest.json")).unwrap()).unwrap();
    manifest["sweep"]["cells"][at]["id"].as_str().unwrap().to_owned()
}

/// Writes what a process of another machine leaves: a lease, renewed at `renewed`.
fn leave_lease(path: &Path, renewed: SystemTime) {
    let process = json!({"machine": "another", "id": 1, "started": "1"});
    fs::write(path, json!({"host": "node7", "process": process, "number": 0}).to_string()).unwrap();
    File::options().append(true).open(path).unwrap().set_modified(renewed).unwrap();
}

#[test]
fn processes_that_are_killed_lose_nothing_and_compute_nothing_twice() {
    let whole = Sweep::planned(SWEEP);
    whole.ok(&["run", &whole.text("s")]);
    let expected = whole.merged("out");
    let sweep = Sweep::planned(SWEEP);
    let start = |part: &str| -> Child {
        let folder = sweep.text("s");
        let mut command = sweep.command(&["run", &folder, "--partition", part, "--max-kills", "1000"]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let parts = ["slice:0/1", "hash:0/2", "cost:1/2"];
    let mut processes = parts.map(start);
    // Times are spread over what a process of a slow machine, and of a fast one, needs for a cell.
    for kill in 0..12_u64 {
        thread::sleep(Duration::from_millis(40 * (1 + kill * kill % 7)));
        let at = kill as usize % parts.len();
        processes[at].kill().unwrap();
        processes[at].wait().unwrap();
        processes[at] = start(parts[at]);
    }
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    sweep.ok(&["run", &sweep.text("s")]);
    assert!(sweep.merged("out") == expected);
    let written: Vec<String> = files(&sweep.state().join("rates"))
        .iter()
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| line.split_once(' ').unwrap().0.to_owned())
        .collect();
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), written.len(), "{written:?}");
    for kind in ["leases", "failed", "killed"] {
        assert_eq!(names(&sweep.state().join(kind)), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_cell_during_which_processes_end_is_named_and_then_fails() {
    let sweep = Sweep::planned(SWEEP);
    sweep.run("slice:0/8");
    let lease = sweep.state().join("leases").join(id(&sweep, 5));
    let run = |kills: &str| {
        sweep.call(&["run", &sweep.text("s"), "--partition", "slice:5/8", "--max-kills", kills, "--json"], &[])
    };
    leave_lease(&lease, SystemTime::now() - DAY);
    let output = run("1");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let status = sweep.status();
    assert!(
        status["failed"][0]["reason"].as_str().unwrap().contains("processes that computed it ended without a word: 1"),
        "{status}"
    );
    assert_eq!((&status["killed"][0]["kills"], keys(&status["killed"][0])), (&json!(1), vec!["cell", "kills"]));
    sweep.ok(&["run", &sweep.text("s"), "--partition", "slice:5/8", "--retry"]);
    assert_eq!((&sweep.status()["failed"], &sweep.status()["killed"]), (&json!([]), &json!([])));
}

#[test]
fn a_clock_that_jumps_loses_nothing() {
    let sweep = Sweep::planned(SWEEP);
    sweep.run("slice:0/8");
    let lease = sweep.state().join("leases").join(id(&sweep, 7));
    // Another machine's clock is a day ahead: its cell is left to it, the others are computed.
    leave_lease(&lease, SystemTime::now() + DAY);
    sweep.run("slice:0/2");
    let status = sweep.status();
    assert_eq!((&status["done"], &status["running"]), (&json!(4), &json!(1)));
    assert!(status["leases"][0]["age_s"].as_f64().unwrap() < -80_000.0, "{status}");
    assert!(sweep.ok(&["status", &sweep.text("s")]).contains("s ahead of this machine's"));
    // It is set back, or this one's is set forward: the lease looks a day old, so that the cell is computed by both.
    leave_lease(&lease, SystemTime::now() - DAY);
    sweep.ok(&["run", &sweep.text("s")]);
    assert_eq!((&sweep.status()["done"], &sweep.status()["failed"]), (&json!(8), &json!([])));
    let whole = Sweep::planned(SWEEP);
    whole.ok(&["run", &whole.text("s")]);
    assert!(sweep.merged("out") == whole.merged("out"));
}

/// Locks that fail as on a file system without them, and locks that do nothing.
const SHIM: &str = "#include <errno.h>\n#include <stdlib.h>\nint flock(int file, int how) {\n\
    if (getenv(\"LOCKS_DO_NOTHING\")) return 0;\n  errno = ENOLCK;\n  return -1;\n}\n";

#[test]
fn sweeps_and_saved_runs_need_no_locks() {
    let sweep = Sweep::planned(SWEEP);
    let (source, shim) = (sweep.text("shim.c"), sweep.text("shim.so"));
    fs::write(&source, SHIM).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o", &shim, &source]).status();
    assert!(compiled.unwrap().success(), "a C compiler is needed, as for building");
    let whole = Sweep::planned(SWEEP);
    whole.ok(&["run", &whole.text("s")]);
    let expected = whole.merged("out");
    for nothing in [false, true] {
        let sweep = Sweep::planned(SWEEP);
        let with_shim = |mut command: Command| {
            command.env("LD_PRELOAD", &shim).stdout(Stdio::null());
            if nothing {
                command.env("LOCKS_DO_NOTHING", "1")
            } else {
                command.env_remove("LOCKS_DO_NOTHING")
            };
            command.spawn().unwrap()
        };
        let folder = sweep.text("s");
        for mut process in [0, 1, 2].map(|_| with_shim(sweep.command(&["run", &folder]))) {
            assert!(process.wait().unwrap().success());
        }
        assert!(sweep.merged("out") == expected, "{nothing}");
        let saved = binary::command(&["run", "--task", "topic", "--limit", "4", "-o", &sweep.text("run")]);
        assert!(with_shim(saved).wait().unwrap().success());
        let read = binary::command(&["components", &sweep.text("run")]);
        assert!(with_shim(read).wait().unwrap().success());
    }
}
