//! Pure functions of an attribution: what the parts say, and a better sum.
