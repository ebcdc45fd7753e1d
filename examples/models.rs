//! Writes docs/models.md: the supported architectures.

fn main() -> std::io::Result<()> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/models.md");
    std::fs::write(path, partscope::model::family::table())
}
