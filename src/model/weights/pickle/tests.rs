use std::io::Write;

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{machine::run, *};

/// A pickle of `{"w": a tensor of shape [2, 3]}` as `torch.save` writes it; `name` is that of the function.
fn program(name: &str, strides: [u8; 2]) -> Vec<u8> {
    let text = |text: &str| [&[b'X'][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let parts: [&[u8]; 16] = [
        b"\x80\x02}q\x00",
        &text("w"),
        b"q\x01c",
        name.as_bytes(),
        b"\nq\x02((",
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        b"K\x06tQK\x00K\x02K\x03\x86",
        &[b'K', strides[0], b'K', strides[1], 0x86],
        b"\x89ccollections\nOrderedDict\n",
        b")R",
        b"tR",
        b"s",
        b".",
    ];
    parts.concat()
}

fn replaced(program: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = program.windows(from.len()).position(|window| window == from).unwrap();
    [&program[..at], to, &program[at + from.len()..]].concat()
}

/// A tensor of so many dimensions.
fn wide(dimensions: usize) -> Vec<u8> {
    let sizes = [b"(".as_slice(), &b"K\x01".repeat(dimensions), b"t"].concat();
    replaced(&program(REBUILD, [3, 1]), b"K\x02K\x03\x86", &sizes)
}

/// A tensor with a name of so many bytes.
fn named(length: u32) -> Vec<u8> {
    let name = [b"X".as_slice(), &length.to_le_bytes(), &vec![b'w'; length as usize]].concat();
    replaced(&program(REBUILD, [3, 1]), b"X\x01\x00\x00\x00w", &name)
}

/// The same tensor twice under one name.
fn twice() -> Vec<u8> {
    let once = program(REBUILD, [3, 1]);
    replaced(&once, b"tRs.", b"tRq\x03sh\x01h\x03s.")
}

const REBUILD: &str = "torch._utils\n_rebuild_tensor_v2";

fn archive(program: &[u8], values: usize, compression: CompressionMethod) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".bin").tempfile().unwrap();
    let mut zip = ZipWriter::new(file.reopen().unwrap());
    let how = SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in [("m/data.pkl", program), ("m/byteorder", b"little"), ("m/data/0", &vec![1; values])] {
        zip.start_file(name, how).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    file
}

fn read(program: &[u8], values: usize) -> Result<Vec<(String, Stored)>, String> {
    let file = archive(program, values, CompressionMethod::Stored);
    index(&Shard::open(file.path().to_owned()).unwrap(), 3).map_err(|error| error.to_string())
}

#[test]
fn a_tensor_has_the_place_of_its_storage() {
    let tensors = read(&program(REBUILD, [3, 1]), 24).unwrap();
    assert_eq!(tensors.len(), 1);
    let (name, stored) = &tensors[0];
    assert_eq!((name.as_str(), stored.shape.as_slice(), stored.length), ("w", &[2, 3][..], 24));
    assert_eq!(stored.numbers, Numbers::F32);
}

#[test]
fn other_names_instructions_and_places_are_refused() {
    for (program, values, expected) in [
        (program("os\nsystem", [3, 1]), 24, "it names os.system, which is no part of a tensor (byte 13 of the pickle)"),
        (program("torch.storage\nFloatStorage", [3, 1]), 24, "it names torch.storage.FloatStorage"),
        (program(REBUILD, [1, 2]), 24, "`w`: its rows are not one after the other (strides [1, 2])"),
        (program(REBUILD, [3, 1]), 23, "`w`: the shape [2, 3] from value 0 on does not fit into 23 bytes"),
        (b"\x80\x04.".to_vec(), 0, "protocol 4"),
        (b"\x80\x02\x93.".to_vec(), 0, "the instruction 0x93"),
        (b"\x80\x02K\x01.".to_vec(), 0, "no dictionary of tensors"),
        (b"\x80\x02}".to_vec(), 0, "ends too early"),
        (b"\x80\x02X\xff\xff\xff\xff".to_vec(), 0, "longer than the pickle"),
        (b"\x80\x02Q".to_vec(), 0, "the stack is empty"),
        ([b"\x80\x02)".as_slice(), &[0x85; 100], b"."].concat(), 0, "nested 9 deep"),
        (b"\x80\x02h\x07.".to_vec(), 0, "nothing was kept as 7"),
        (b"\x80\x02}.".to_vec(), 0, "the dictionary has no tensors"),
        (wide(9), 24, "a tensor of 9 dimensions"),
        (named(501), 24, "the name of a tensor has 501 bytes"),
        (twice(), 24, "there are two tensors called w"),
        (b"\x80\x02(u.".to_vec(), 0, "there is no dictionary"),
    ] {
        let message = read(&program, values).unwrap_err();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn other_archives_are_refused_with_advice() {
    let open = |bytes: &[u8]| {
        let mut file = tempfile::Builder::new().suffix(".bin").tempfile().unwrap();
        file.write_all(bytes).unwrap();
        index(&Shard::open(file.path().to_owned()).unwrap(), 0).unwrap_err().to_string()
    };
    assert!(open(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").contains("of a PyTorch before 1.6"));
    assert!(open(b"PK").contains("this is no archive of PyTorch"));
    assert!(open(b"").contains("weights_only=True"));
}

/// Programs of random instructions end, with tensors or an error.
#[test]
fn random_programs_end() {
    const INSTRUCTIONS: &[u8] = b"(()tX\x85\x86\x87KMJ\x8aGN\x88\x89]}suabeRQqhrjc.";
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    let start = program(REBUILD, [3, 1]);
    for _ in 0..20_000 {
        let mut bytes = start.clone();
        for _ in 0..next() % 8 {
            let at = next() % bytes.len();
            match next() % 3 {
                0 => bytes[at] = INSTRUCTIONS[next() % INSTRUCTIONS.len()],
                1 => bytes[at] = next() as u8,
                _ => bytes.insert(at, INSTRUCTIONS[next() % INSTRUCTIONS.len()]),
            }
        }
        let _ = run(&bytes);
    }
}
