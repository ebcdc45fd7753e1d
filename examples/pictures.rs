//! Draws the README's pictures from real frames: `cargo run --release --example pictures`.

use std::{fs, path::Path};

use partscope::{
    Result, jobs,
    model::{LoadOptions, Source},
    runner::RunRequest,
    store::Store,
    task::Library,
    tui::{ExploreOptions, Headless, Listener, TaskChoice},
};
use ratatui::layout::Size;

const SIZE: Size = Size { width: 120, height: 36 };

/// Pictures, each with the keys that lead to it from the previous one.
const PICTURES: [(&str, &str); 8] = [
    ("map", "b"),
    ("mix", "w"),
    ("mixer", "d g j j"),
    ("examples", "e f f j j"),
    ("compare", "esc f tab tab c n b"),
    ("matrix", "s M"),
    ("runs", "R"),
    ("prompt", "p w j l J i T h e space s h a r e s space f e l l space a g a i n enter"),
];

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let mut explorer = Headless::open(demo()?)?;
    for (name, keys) in PICTURES {
        let (path, svg) = (folder.join(format!("{name}.svg")), explorer.keys(keys)?.svg(SIZE));
        let write = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, svg));
        write.map_err(|source| partscope::Error::Write { path: path.clone(), source })?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Options of an explorer on the embedded demo.
fn demo() -> Result<ExploreOptions> {
    let choice = |name: String| {
        let templates = Library.task(&name)?.templates.into_iter().map(|template| template.name).collect();
        Ok(TaskChoice { name, templates })
    };
    let choices = Library.names().into_iter().map(choice).collect::<Result<_>>()?;
    let start = |listen: Listener<_>| {
        let (load, shared) = (LoadOptions::default(), jobs::SharedModel::default());
        jobs::model_worker(Source::Demo, load, Store::none(), shared, listen)
    };
    let first = Some(RunRequest::opening());
    Ok(ExploreOptions { model: Some(Box::new(start)), first, choices, ..ExploreOptions::default() })
}
