//! Names of the tensor types of GGUF files that this program does not read, for messages.

/// Numbers and names in `ggml.h` of llama.cpp; a few were removed from there.
const NAMES: &[(u32, &str)] = &[
    (4, "q4_2"),
    (5, "q4_3"),
    (9, "q8_1"),
    (15, "q8_k"),
    (16, "iq2_xxs"),
    (17, "iq2_xs"),
    (18, "iq3_xxs"),
    (19, "iq1_s"),
    (21, "iq3_s"),
    (22, "iq2_s"),
    (29, "iq1_m"),
    (31, "q4_0_4_4"),
    (32, "q4_0_4_8"),
    (33, "q4_0_8_8"),
    (34, "tq1_0"),
    (35, "tq2_0"),
    (36, "iq4_nl_4_4"),
    (37, "iq4_nl_4_8"),
    (38, "iq4_nl_8_8"),
    (40, "nvfp4"),
    (41, "q1_0"),
];

/// Returns the name of the type with the number `kind`.
pub(super) fn type_name(kind: u32) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == kind);
    known.map_or_else(|| format!("ggml type {kind}"), |(_, name)| (*name).to_owned())
}
