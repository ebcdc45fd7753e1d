#!/usr/bin/env bash
# Plans a sweep of 100,500 cells, writes simulated results, and measures plan, status and merge.
#
#     tools/simulate_sweep.sh [FOLDER]
#
# Needs GNU time. No model is run but the demo, once, for the pattern of a result.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${1:-$(mktemp -d)}
mkdir -p "$home"
export PARTSCOPE_CACHE=$home/cache
cargo build --release --bin partscope --example simulate_sweep
target=${CARGO_TARGET_DIR:-target}/release
measure() { /usr/bin/time -f "%e s wall, %U s user, %S s system, %M KiB at most" "$@"; }

# 100,500: 5 models × 2 tasks × 3 templates × 67 seeds × 25 budgets × 2 numbers of demonstrations
cat > "$home/sweep.toml" <<TOML
models = ["demo", "model-b", "model-c", "model-d", "model-e"]
tasks = ["sentiment", "topic"]
templates = 3
seeds = 67
budgets = [$(seq -s, 12 36)]
shots = [4, 8]
limit = 200
TOML
echo "== plan" && measure "$target/partscope" sweep plan "$home/sweep.toml" -o "$home/sweep" --no-measure
echo "== a pattern" && "$target/partscope" sweep run "$home/sweep" --partition "slice:0/100500"
echo "== simulated results" && measure "$target/examples/simulate_sweep" "$home/sweep"
echo "== status" && measure "$target/partscope" sweep status "$home/sweep"
echo "== merge" && measure "$target/partscope" sweep merge "$home/sweep" -o "$home/tables"
du -sh "$home/sweep" "$home/tables"
