//! partscope
fn main() {}
