//! Runs this program in a child process and reads the JSON object that it prints.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{io::AsyncReadExt, process::Command, time::timeout};

/// Largest output that is read, in bytes.
const MAX_OUTPUT: u64 = 64 << 20;

/// Runs `partscope ARGUMENTS --json` for at most `limit`. Dropping the future ends the child.
///
/// # Errors
/// A sentence for the agent: the program's own message, or what ended it.
pub(super) async fn json(arguments: &[String], limit: Duration) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|error| format!("the program cannot find itself: {error}"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .arg("--json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the program cannot be run: {error}"))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("the program has no output".to_owned());
    };
    let (mut output, mut said) = (Vec::new(), String::new());
    let (mut stdout, mut stderr) = (stdout.take(MAX_OUTPUT), stderr.take(MAX_OUTPUT));
    let work = async {
        let (read, _) = tokio::join!(stdout.read_to_end(&mut output), stderr.read_to_string(&mut said));
        read?;
        child.wait().await
    };
    let too_long = |_| {
        format!(
            "stopped after {} seconds, the limit of this server; ask for less (`limit`), or start it with a larger \
             --max-seconds",
            limit.as_secs()
        )
    };
    let ended = timeout(limit, work).await.map_err(too_long)?;
    let status = ended.map_err(|error| format!("the program was lost: {error}"))?;
    let said = said.trim().trim_start_matches("partscope: ");
    if !status.success() {
        return Err(if said.is_empty() { format!("the program ended with {status}") } else { said.to_owned() });
    }
    serde_json::from_slice(&output).map_err(|error| format!("the program's answer cannot be read: {error}"))
}
