//! partscope
