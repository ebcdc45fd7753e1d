#!/usr/bin/env bash
# Checks a wheel as a user meets it: fresh virtual environments, no Rust on the path, nothing of this source but its tests.
#
#     tools/check_wheel.sh dist/partscope-….whl
#
# With QEMU=…/qemu-x86_64 (Debian's qemu-user), the program also runs on an emulated Nehalem, the oldest CPU of x86-64-v2.
set -euo pipefail
wheel=$(readlink -f "$1")
cd "$(dirname "$0")/.."
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

# Only what a new user has.
clean() {
    env -i HOME="$work/home" PATH="$PATH_OF_VENV:/usr/bin:/bin" LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 \
        PARTSCOPE_CACHE="$work/cache" PARTSCOPE_CONFIG_DIR="$work/config" "$@"
}
venv() {
    "$python" -m venv "$work/$1"
    PATH_OF_VENV=$work/$1/bin
    "$PATH_OF_VENV/pip" install --quiet --disable-pip-version-check "${@:2}"
}
mkdir "$work/home"
cd "$work"

echo "== the command alone: $(basename "$wheel"), $(du -k "$wheel" | cut -f1) kB"
venv bare "$wheel"
if clean sh -c 'command -v cargo rustc'; then echo "there is a Rust on the path"; exit 1; fi
[ "$("$PATH_OF_VENV/pip" list --format=freeze --disable-pip-version-check | grep -cvE '^(pip|setuptools)==')" = 1 ]
clean partscope --version
clean python -m partscope --version
start=$(date +%s%N)
clean partscope run -m demo --task topic --template article-hash --demo-seed 2 -o out | grep -E "accuracy|exactness|time"
echo "first map after $((($(date +%s%N) - start) / 1000000)) ms"
clean python - <<'PYTHON'
import partscope

run = partscope.open("out")
assert len(run.components()) == 72 and "<svg" in run._repr_html_()
assert partscope.fit(run).accuracy["partscope"] > run.accuracy["full"]
try:
    run.attribution()
except partscope.MissingPackage as error:
    print("without NumPy:", error)
else:
    raise SystemExit("there is a NumPy")
PYTHON

echo "== the reader, its tests and the notebook"
venv full "$wheel[frames,polars]" pytest nbclient ipykernel
mkdir -p checkout/python checkout/tools
cp -r "$source/python/tests" "$source/python/notebooks" checkout/python/
cp "$source/tools/run_notebook.py" checkout/tools/
clean python -c 'import partscope; print(partscope.__file__, partscope.__version__)'
clean python -m pytest -q -p no:cacheprovider checkout/python/tests
clean python checkout/tools/run_notebook.py --check 2>/dev/null
echo "notebook: the same outputs"

if [ -n "${QEMU:-}" ]; then
    echo "== an emulated Nehalem: x86-64-v2 without AVX"
    PATH_OF_VENV=$work/bare/bin
    clean "$QEMU" -cpu Nehalem "$PATH_OF_VENV/partscope" run -m demo --task topic --limit 20 --no-cache -o old |
        grep -E "accuracy|exactness"
fi
echo "the wheel is fine"
