//! The stack machine of a pickle, with no more than a state dictionary needs.
//!
//! A pickle is a program that can call any Python function. This machine knows the instructions that `torch.save` writes
//! (protocol 2 of Python's `pickletools`) and the names that rebuild tensors; at any other it stops. It reads no tensor:
//! its result says where each tensor's bytes are. Values that are neither tensors nor parts of one are forgotten at once,
//! so that a dictionary cannot contain itself and its depth is bounded.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// Longest program, in bytes: 100 000 tensors take about 15 MB.
pub(super) const MAX_PROGRAM: usize = 16 << 20;
/// Deepest nesting of tuples; a tensor needs three.
const MAX_DEPTH: usize = 8;
/// Most dimensions of a tensor. Sizes and names are copied, and a program can use the same ones many times.
const MAX_DIMENSIONS: usize = 8;
/// Longest name of a tensor or a storage, in bytes.
const MAX_NAME: usize = 500;

/// A tensor: where its values are in a storage, and their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PickledTensor {
    pub(super) storage: Storage,
    /// Number of values of the storage before the first.
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    /// Number of values from one entry to the next, for each dimension.
    pub(super) strides: Vec<usize>,
}

/// Values of one type in a file of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Name of the file, without its folder.
    pub(super) key: String,
    /// Name of the type in PyTorch, e.g. `FloatStorage`.
    pub(super) class: &'static str,
}

/// Types of storages.
pub(super) const STORAGES: [&str; 10] = [
    "FloatStorage",
    "HalfStorage",
    "BFloat16Storage",
    "DoubleStorage",
    "LongStorage",
    "IntStorage",
    "ShortStorage",
    "CharStorage",
    "ByteStorage",
    "BoolStorage",
];

/// What a program may name.
#[derive(Clone, Copy, Debug)]
enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(&'static str),
}

#[derive(Clone, Debug)]
enum Value {
    Mark,
    Int(i64),
    Text(Rc<str>),
    Name(Name),
    Tuple(Rc<[Value]>, usize),
    /// A dictionary, by its number.
    Dict(usize),
    Storage(Rc<Storage>),
    Tensor(Rc<PickledTensor>),
    /// Anything else.
    Other,
}

/// Runs `program` and returns the tensors of the dictionary that it builds, in order.
///
/// # Errors
/// If it has an instruction or a name that a state dictionary does not need, or ends too early; says where.
pub(super) fn run(program: &[u8]) -> Result<Vec<(String, PickledTensor)>, String> {
    let mut machine = Machine { program, at: 0, stack: Vec::new(), memo: HashMap::new(), dicts: Vec::new() };
    loop {
        let at = machine.at;
        match machine.step() {
            Ok(false) => {}
            Ok(true) => return machine.tensors(),
            Err(problem) => return Err(format!("{problem} (byte {at} of the pickle)")),
        }
    }
}

/// Tensors by name, in order.
#[derive(Default)]
struct Dict {
    entries: Vec<(Rc<str>, Rc<PickledTensor>)>,
    names: HashSet<Rc<str>>,
}

struct Machine<'a> {
    program: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    dicts: Vec<Dict>,
}

type Outcome<T = ()> = Result<T, String>;

impl Machine<'_> {
    /// Runs one instruction; true at the end of the program.
    fn step(&mut self) -> Outcome<bool> {
        match self.byte()? {
            0x80 => self.protocol()?,
            b'c' => self.global()?,
            b'q' => self.keep(|machine| Ok(machine.byte()?.into()))?,
            b'r' => self.keep(Self::word)?,
            b'h' => self.recall(|machine| Ok(machine.byte()?.into()))?,
            b'j' => self.recall(Self::word)?,
            b'(' => self.stack.push(Value::Mark),
            b')' => self.tuple(Vec::new())?,
            b't' => {
                let items = self.after_mark()?;
                self.tuple(items)?;
            }
            count @ 0x85..=0x87 => {
                let items = self.pop_many(usize::from(count) - 0x84)?;
                self.tuple(items)?;
            }
            b'X' => self.text()?,
            b'K' => {
                let value = self.byte()?;
                self.stack.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.bytes()?);
                self.stack.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.bytes()?);
                self.stack.push(Value::Int(value.into()));
            }
            0x8a => self.long()?,
            b'G' => {
                self.bytes::<8>()?;
                self.stack.push(Value::Other);
            }
            b'N' | 0x88 | 0x89 | b']' => self.stack.push(Value::Other),
            b'}' => self.dict(),
            b's' => {
                let pair = self.pop_many(2)?;
                self.set(&pair)?;
            }
            b'u' => {
                let pairs = self.after_mark()?;
                self.set(&pairs)?;
            }
            // Lists, and what `BUILD` adds to an object, are forgotten.
            b'a' | b'b' => drop(self.pop()?),
            b'e' => drop(self.after_mark()?),
            b'R' => self.call()?,
            b'Q' => self.storage()?,
            b'.' => return Ok(true),
            other => return Err(format!("the instruction 0x{other:02x} is none that a dictionary of tensors needs")),
        }
        Ok(false)
    }

    /// Returns the tensors of the dictionary on top of the stack.
    fn tensors(mut self) -> Outcome<Vec<(String, PickledTensor)>> {
        let Value::Dict(number) = self.pop()? else { return Err("the pickle is no dictionary of tensors".to_owned()) };
        let entries = std::mem::take(&mut self.dicts[number].entries);
        if entries.is_empty() {
            return Err("the dictionary has no tensors; those of a dictionary within it are not read".to_owned());
        }
        Ok(entries.into_iter().map(|(name, tensor)| (name.to_string(), tensor.as_ref().clone())).collect())
    }

    fn bytes<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let bytes = self.program.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        self.at += N;
        bytes.copied().ok_or_else(|| "the pickle ends too early".to_owned())
    }

    fn byte(&mut self) -> Outcome<u8> {
        Ok(self.bytes::<1>()?[0])
    }

    fn word(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn slice(&mut self, length: usize) -> Outcome<&str> {
        let end = self.at.saturating_add(length);
        let bytes = self.program.get(self.at..end).ok_or("a text is longer than the pickle")?;
        self.at = end;
        str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())
    }

    fn skip(&mut self, length: usize) -> Outcome {
        self.at += length;
        if self.at > self.program.len() { Err("the pickle ends too early".to_owned()) } else { Ok(()) }
    }

    fn line(&mut self) -> Outcome<String> {
        let rest = self.program.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("the pickle ends too early")?;
        let line = self.slice(length)?.to_owned();
        self.at += 1;
        Ok(line)
    }

    fn pop(&mut self) -> Outcome<Value> {
        self.stack.pop().ok_or_else(|| "the stack is empty".to_owned())
    }

    fn pop_many(&mut self, count: usize) -> Outcome<Vec<Value>> {
        let from = self.stack.len().checked_sub(count).ok_or("the stack is empty")?;
        Ok(self.stack.split_off(from))
    }

    fn after_mark(&mut self) -> Outcome<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or("there is no mark")?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn protocol(&mut self) -> Outcome {
        match self.byte()? {
            2 => Ok(()),
            other => Err(format!("the pickle has protocol {other}, but torch.save writes 2")),
        }
    }

    fn global(&mut self) -> Outcome {
        let (module, name) = (self.line()?, self.line()?);
        let storage = STORAGES.into_iter().find(|known| *known == name);
        let known = match (module.as_str(), name.as_str(), storage) {
            ("collections", "OrderedDict", _) => Name::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2", _) => Name::RebuildTensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state", _) => Name::RebuildParameter,
            ("torch", _, Some(storage)) => Name::Storage(storage),
            _ => return Err(format!("it names {module}.{name}, which is no part of a tensor")),
        };
        self.stack.push(Value::Name(known));
        Ok(())
    }

    fn keep(&mut self, number: impl FnOnce(&mut Self) -> Outcome<u32>) -> Outcome {
        let (number, value) = (number(self)?, self.stack.last().cloned().ok_or("the stack is empty")?);
        self.memo.insert(number, value);
        Ok(())
    }

    fn recall(&mut self, number: impl FnOnce(&mut Self) -> Outcome<u32>) -> Outcome {
        let number = number(self)?;
        let value = self.memo.get(&number).cloned().ok_or_else(|| format!("nothing was kept as {number}"))?;
        self.stack.push(value);
        Ok(())
    }

    fn tuple(&mut self, items: Vec<Value>) -> Outcome {
        let inner = |value: &Value| if let Value::Tuple(_, depth) = value { *depth } else { 0 };
        let depth = 1 + items.iter().map(inner).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Err(format!("tuples are nested {depth} deep; a tensor needs 3"));
        }
        self.stack.push(Value::Tuple(items.into(), depth));
        Ok(())
    }

    fn text(&mut self) -> Outcome {
        let length = self.word()? as usize;
        let text = self.slice(length)?.into();
        self.stack.push(Value::Text(text));
        Ok(())
    }

    fn long(&mut self) -> Outcome {
        let length = self.byte()?;
        let mut value = [0; 8];
        if length > 8 {
            self.skip(length.into())?;
            self.stack.push(Value::Other);
            return Ok(());
        }
        for byte in value.iter_mut().take(length.into()) {
            *byte = self.byte()?;
        }
        let unused = 8 * (8 - u32::from(length.max(1)));
        self.stack.push(Value::Int(i64::from_le_bytes(value) << unused >> unused));
        Ok(())
    }

    fn dict(&mut self) {
        self.stack.push(Value::Dict(self.dicts.len()));
        self.dicts.push(Dict::default());
    }

    /// Adds keys and values, one after the other, to the dictionary on top of the stack.
    fn set(&mut self, pairs: &[Value]) -> Outcome {
        let Some(Value::Dict(number)) = self.stack.last() else { return Err("there is no dictionary".to_owned()) };
        if !pairs.len().is_multiple_of(2) {
            return Err("a key without a value".to_owned());
        }
        for pair in pairs.chunks_exact(2) {
            if let [Value::Text(name), Value::Tensor(tensor)] = pair {
                if name.len() > MAX_NAME {
                    return Err(format!("the name of a tensor has {} bytes", name.len()));
                }
                let dict = &mut self.dicts[*number];
                if !dict.names.insert(name.clone()) {
                    return Err(format!("there are two tensors called {name}"));
                }
                dict.entries.push((name.clone(), tensor.clone()));
            }
        }
        Ok(())
    }

    fn call(&mut self) -> Outcome {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments, _), Value::Name(callable)) = (&arguments, callable) else {
            return Err("a call of something that cannot be called".to_owned());
        };
        match (callable, &arguments[..]) {
            (Name::OrderedDict, []) => self.dict(),
            (Name::RebuildTensor, [Value::Storage(storage), Value::Int(offset), shape, strides, _, _, ..]) => {
                let offset = u64::try_from(*offset).map_err(|_| "a tensor starts before its storage")?;
                let (shape, strides) = (sizes(shape)?, sizes(strides)?);
                let tensor = PickledTensor { storage: storage.as_ref().clone(), offset, shape, strides };
                self.stack.push(Value::Tensor(Rc::new(tensor)));
            }
            (Name::RebuildParameter, [Value::Tensor(tensor), ..]) => self.stack.push(Value::Tensor(tensor.clone())),
            (callable, arguments) => {
                return Err(format!("a call of {callable:?} with {} other arguments", arguments.len()));
            }
        }
        Ok(())
    }

    /// A persistent id: `("storage", type, key, device, number of values)`.
    fn storage(&mut self) -> Outcome {
        let id = self.pop()?;
        let Value::Tuple(parts, _) = &id else { return Err("a persistent id that is no tuple".to_owned()) };
        let [Value::Text(kind), Value::Name(Name::Storage(class)), Value::Text(key), _, _] = &parts[..] else {
            return Err("a persistent id that names no storage".to_owned());
        };
        if &**kind != "storage" || key.len() > MAX_NAME {
            return Err("a persistent id that names no storage".to_owned());
        }
        self.stack.push(Value::Storage(Rc::new(Storage { key: key.to_string(), class })));
        Ok(())
    }
}

/// Reads a tuple of sizes.
fn sizes(value: &Value) -> Outcome<Vec<usize>> {
    let Value::Tuple(items, _) = value else { return Err("sizes that are no tuple".to_owned()) };
    if items.len() > MAX_DIMENSIONS {
        return Err(format!("a tensor of {} dimensions", items.len()));
    }
    let size = |item: &Value| match item {
        Value::Int(size) => usize::try_from(*size).map_err(|_| format!("a size of {size}")),
        _ => Err("a size that is no integer".to_owned()),
    };
    items.iter().map(size).collect()
}
