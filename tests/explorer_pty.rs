//! Tests the real binary on a pseudo-terminal. Tests wait for text on the screen, never for a fixed time.
#![cfg(all(unix, feature = "tui"))]

use std::time::{Duration, Instant};

mod binary;
mod pty;
mod tour;

use pty::Session;

#[test]
fn a_session_fits_a_mix_and_shows_help() {
    let mut session = Session::start("explore --limit 60", 120, 40);
    session.see("8 layers × 8 heads");
    session.see("done in");
    session.see("✓ exact");
    session.press("llkk");
    session.see("L2.H2 ─");
    session.press("w");
    session.see("fitted on 20 examples");
    session.see("● on");
    session.press(" ");
    session.see("○ off");
    session.press("?");
    session.see("Move one layer down");
    session.press("\x1b");
    session.until("no help", |screen| !screen.contents().contains("Move one layer down"));
    session.press("q");
    session.see("is in no file");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn keys_change_demonstrations_and_task() {
    let mut session = Session::start("explore --limit 20", 120, 40);
    session.see("demos 2");
    session.press("s");
    session.see("demos 3");
    session.see("done in");
    session.press("S");
    session.see("demos 2");
    session.see("done in");
    session.press("t");
    session.see("· reading ·");
    session.see("done in");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn ctrl_c_quits_during_a_run() {
    let mut session = Session::start("", 80, 24);
    session.see("partscope");
    let pressed = Instant::now();
    session.press("\x03");
    session.ends_with(130);
    assert!(pressed.elapsed() < Duration::from_secs(10));
}

#[test]
fn signals_restore_the_terminal() {
    for (signal, code) in
        [("-TERM", 143), ("-HUP", 129), ("-INT", 130), ("-QUIT", 131), ("-ABRT", 134), ("-USR1", 138), ("-ALRM", 142)]
    {
        let session = Session::start("explore --limit 20", 80, 24);
        session.see("partscope");
        session.signal(signal);
        session.ends_with(code);
    }
}

#[test]
fn a_terminal_without_cursor_control_is_refused_with_advice() {
    let session = Session::start_on("dumb", "/nowhere", "explore --limit 20", 200, 24);
    session.see("which TERM=dumb says this terminal lacks; use another terminal or set TERM, or use `partscope run`");
    session.ends_with(2);
}

/// A template that would overflow the stack ends with a message, before or after the screen is taken over.
#[test]
fn a_hostile_task_template_leaves_the_terminal_as_it_was() {
    for chain in [" + 1", " ~ text", " ** 1", " and text", " | f", ".a"] {
        let template = format!("{{{{ text{} }}}}", chain.repeat(5_000));
        let home = binary::task_folder(&[("task.toml", binary::TASK.replace("{{ text }}", &template).as_bytes())]);
        let task = home.path().join("task.toml");
        let session = Session::start(&format!("explore --task '{}'", task.display()), 200, 24);
        session.see("more than 1000 operators in one expression");
        session.ends_with(3);
    }
}

#[test]
fn a_small_terminal_shows_a_message_until_it_grows() {
    let mut session = Session::start("explore --limit 20", 50, 12);
    session.see("This terminal is too small.");
    session.see("partscope needs 72 × 20.");
    session.resize(90, 30);
    session.see("8 layers × 8 heads");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn many_resizes_end_with_a_complete_screen() {
    let mut session = Session::start("explore --limit 60", 80, 24);
    session.see("8 layers × 8 heads");
    for step in 0..80_u16 {
        session.resize(40 + step * 37 % 160, 10 + step * 13 % 50);
    }
    session.resize(100, 30);
    let is_complete = |screen: &vt100::Screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows[0].starts_with(" partscope") && rows[29].trim_end().ends_with("q quit")
    };
    session.until("a complete screen", is_complete);
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn ctrl_z_suspends_and_resumes() {
    let mut session = Session::start("explore --limit 20", 80, 24);
    session.see("done in");
    session.press("\x1a");
    session.until("the old screen", |screen| !screen.alternate_screen() && screen.contents().starts_with("what was"));
    session.wait_until_stopped();
    session.signal("-CONT");
    session.see("8 layers × 8 heads");
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn stop_and_continue_signals_suspend_and_resume() {
    let mut session = Session::start("explore --limit 20", 80, 24);
    session.see("done in");
    for signal in ["-TSTP", "-STOP"] {
        session.signal(signal);
        if signal == "-TSTP" {
            session.until("the old screen", |screen| !screen.alternate_screen());
        }
        session.wait_until_stopped();
        session.signal("-CONT");
        session.until("the map again", |screen| screen.alternate_screen() && screen.contents().contains("8 layers ×"));
    }
    session.press("l");
    session.see("L0.H1 ─");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn the_cursor_is_restored_in_the_next_session() {
    let folder = tempfile::tempdir().unwrap();
    for first in [true, false] {
        let mut session = Session::start_in(folder.path().to_str().unwrap(), "explore --limit 20", 80, 24);
        if first {
            session.see("done in");
            session.press("lllkk");
            session.see("L2.H3 ─");
        } else {
            session.see("L2.H3 ─");
        }
        session.press("q");
        session.ends_with(0);
    }
}

#[test]
fn two_runs_are_compared_and_an_example_is_opened() {
    let mut session = Session::start("explore --limit 40", 120, 40);
    session.see("done in");
    session.press("s");
    session.see("demos 3");
    session.see("done in");
    session.press("c");
    session.see("what moved all flips");
    session.press("e");
    session.see("nats text");
    session.see("against");
    session.press(":quit\r");
    session.ends_with(0);
}

#[test]
fn a_prompt_is_edited_and_rerun_and_a_text_is_classified() {
    let mut session = Session::start("explore --limit 40", 120, 40);
    session.see("done in");
    session.press("p");
    session.see("as the model reads it");
    session.see(" tokens ");
    session.press("l");
    session.see("edited: r runs it");
    session.press("r");
    session.until("the edited run", |screen| screen.contents().lines().next().unwrap().contains("· edited "));
    session.see("done in");
    session.press("i");
    session.press("\x1b[200~stocks fell\r\nagain\x1b[201~");
    session.see("stocks fell again");
    session.see("against");
    session.press("\rd");
    session.see("baselines, same labels");
    session.see("CompRW, released");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn tabs_hints_and_faders_react_to_the_mouse() {
    let mut session = Session::start("explore --limit 20", 140, 40);
    session.see("done in");
    session.click("mixer");
    session.see("baselines, same labels");
    session.click("L0.H0 ");
    session.see("ctrl-s save-mix");
    session.click("mute");
    session.see("▸ mix ");
    session.press("0");
    session.until("no mix", |screen| screen.contents().contains("no mix yet"));
    let (row, column) = session.find("━━━━");
    session.press(&format!("\x1b[<0;{};{row}M\x1b[<32;{};{row}M", column + 1, column + 9));
    session.see("▸ mix ");
    session.press("\x1b[<0;1;1mu");
    session.until("one change undone", |screen| screen.contents().contains("no mix yet"));
    session.press("y");
    session.see("copied:");
    session.click("examples");
    session.see("nats text");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn experiments_run_and_show_their_results() {
    let mut session = Session::start("explore --limit 24", 120, 40);
    session.see("done in");
    session.press("gm");
    session.press("A");
    session.see("components that reacted");
    session.see("ablated re-run: zero, last");
    session.press(".");
    session.see("ablated re-run: zero, all");
    session.see("Norms are recomputed");
    session.press("P");
    session.see("strongest tokens");
    session.press("W");
    session.see("suppresses");
    session.press(".Z");
    session.see("Z again starts the sweep (zero, last; 72 × 24)");
    session.press("Z");
    session.see("72 components ablated");
    session.see("total effect");
    session.see("w fit");
    session.press("q");
    session.see("in no file");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn without_a_terminal_it_prints_one_error_line() {
    let output = binary::partscope(&[]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("needs a terminal") && output.stdout.is_empty());
}
