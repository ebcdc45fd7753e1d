use std::fs;

use super::*;
use crate::{
    analysis::testing::{run, table},
    component::Shape,
};

const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 3 };

fn runs() -> Vec<Run> {
    let signal = |index: usize| if index == 6 { 3.0 } else { 0.2 };
    let mut runs: Vec<Run> =
        (1..4).map(|seed| run(table(SHAPE, 12, seed, signal), table(SHAPE, 90, 9, signal))).collect();
    for (seed, run) in runs.iter_mut().enumerate() {
        run.meta.prompt.demo_seed = seed as u64;
        run.test = table(SHAPE, 90, 9, signal).filter(|_| true);
    }
    runs[2].meta.model.weights_hash = "another model".to_owned();
    runs
}

#[test]
fn equal_runs_give_equal_bytes_and_every_file_is_written() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let files: Vec<Vec<(PathBuf, Vec<u8>)>> = folders
        .iter()
        .map(|folder| {
            let written =
                Report::new(&runs(), &Cancel::default()).unwrap().write(folder.path(), &Cancel::default()).unwrap();
            written
                .into_iter()
                .map(|path| (path.strip_prefix(folder.path()).unwrap().to_owned(), fs::read(&path).unwrap()))
                .collect()
        })
        .collect();
    assert!(files[0] == files[1]);
    let names: Vec<String> = files[0].iter().map(|(path, _)| path.display().to_string()).collect();
    let has = |part: &str| assert!(names.iter().any(|name| name.contains(part)), "{part}: {names:?}");
    for figure in ["accuracy-", "weights-", "path-", "scatter-", "difference-", "agreement", "methods"] {
        has(&format!("figures/{figure}"));
    }
    for table in ["runs", "components", "examples", "methods", "path", "agreement"] {
        has(&format!("tables/{table}.csv"));
        has(&format!("tables/{table}.parquet"));
    }
    assert_eq!(names.iter().filter(|name| name.starts_with("figures/scatter") && name.ends_with("png")).count(), 1);
    assert!(
        files[0]
            .iter()
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "png"))
            .all(|(_, bytes)| bytes.starts_with(b"\x89PNG"))
    );
}

#[test]
fn the_page_is_self_contained_and_escapes_data() {
    let mut runs = runs();
    runs[0].meta.task.name = "<script>alert(1)</script>\x1b[2J".to_owned();
    runs[0].meta.model.id = "\"><img src=x>".to_owned();
    let page = Report::new(&runs, &Cancel::default()).unwrap().page;
    for forbidden in ["<script", "<img", "src=\"", "<link", "@import", "url(", "\x1b"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http"), "nothing is fetched");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;[2J"), "text is shown, not run");
}

#[test]
fn the_page_shows_the_accuracies_of_the_run() {
    let runs = runs();
    let report = Report::new(&runs, &Cancel::default()).unwrap();
    let (_, components) = report.tables.iter().find(|(name, _)| *name == "components").unwrap();
    assert_eq!(components.rows(), 3 * SHAPE.components());
    let best = crate::analysis::Tally::from_table(&runs[0].test).accuracies()[6];
    assert!(report.page.contains(&format!("L1.H1 alone gets {:.1} %", 100.0 * best)), "{best}");
}

#[test]
fn a_run_that_fails_exactness_is_marked() {
    let mut runs = runs();
    runs[1].meta.exactness.max_rel = 0.5;
    runs[1].meta.exactness.max_abs = 2.0;
    runs[1].meta.exactness.argmax_mismatches = 3;
    let page = Report::new(&runs, &Cancel::default()).unwrap().page;
    assert_eq!(page.matches("class=\"warning\"").count(), 1);
}

#[test]
fn a_report_without_runs_is_refused() {
    assert!(Report::new(&[], &Cancel::default()).unwrap_err().to_string().contains("no runs"));
}
