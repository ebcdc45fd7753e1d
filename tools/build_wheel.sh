#!/usr/bin/env bash
# Builds the wheel, a tarball of the program, and their checksums, in dist/ or the folder given.
#
#     tools/build_wheel.sh [FOLDER]
#
# The wheel has the program and the reader in Python. maturin calls cargo with zig as linker, against the symbols of an old
# glibc, so that the tag manylinux_2_17 is true: maturin checks it, and auditwheel shows it. The compiler may assume
# x86-64-v2 (SSE4.2); kernels choose AVX2 or AVX-512 when they run. Symbols are stripped (43 to 37 MB); link-time optimisation
# is off, because it changed neither size nor rate (docs/python.md). Needs Rust and Python; maturin and zig are installed in a
# folder of the user's cache, or in $PARTSCOPE_WHEEL_TOOLS.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
tools=${PARTSCOPE_WHEEL_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/partscope/wheel-tools}
target=x86_64-unknown-linux-gnu

if [ ! -e "$tools/done" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet 'maturin[zig]==1.16.*' auditwheel
    touch "$tools/done"
fi

# Flags of the target alone: build scripts run on this machine.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-cpu=x86-64-v2"
unset RUSTFLAGS
# The linker is found as a module of the Python that runs maturin.
PATH=$tools/bin:$PATH "$tools/bin/maturin" build --release --zig --target "$target" --compatibility manylinux_2_17 \
    --features mcp --out "$out"

cd "$out"
wheel=$(ls -t partscope-*.whl | head -1)
version=$(echo "$wheel" | cut -d- -f2)
name=partscope-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"
python3 -m zipfile -e "$wheel" "$work/wheel"
cp "$work/wheel/partscope-$version.data/scripts/partscope" "$work/$name/"
chmod 755 "$work/$name/partscope"
cd - >/dev/null
cp LICENSE-MIT LICENSE-APACHE README.md "$work/$name/"
# The same bytes for the same files: names in order, no times, no owners.
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$work" -c "$name" | gzip -n -9 >"$out/$name.tar.gz"
cd "$out"
sha256sum "$wheel" "$name.tar.gz" >SHA256SUMS
"$tools/bin/auditwheel" show "$wheel" | grep -m1 -A1 "consistent with" | tr -s '\n ' ' '
echo
ls -l --block-size=K "$wheel" "$name.tar.gz" | awk '{print $5, $9}'
