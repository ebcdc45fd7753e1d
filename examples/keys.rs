//! Writes docs/keys.md, the page of all keys, from the default keymap: `cargo run --example keys`.

use std::{fs, path::Path};

use partscope::{
    Error, InputError, Result,
    app::{
        Keymap,
        keymap::{DEFAULT, page::page},
    },
};

fn main() -> Result<()> {
    let keymap = Keymap::parse(DEFAULT).map_err(|error| InputError::new(error.to_string()))?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    fs::write(&path, page(&keymap)).map_err(|source| Error::Write { path: path.clone(), source })?;
    println!("{}", path.display());
    Ok(())
}
