#!/usr/bin/env bash
# Checks partscope's results and speed on this machine's graphics card and writes a JSON report, in less than ten
# minutes.
#
#   tools/gpu_check.sh BINARY OUT.json
#
# Build BINARY with tools/cuda.sh. The check needs a driver, cuBLAS and cuRAND, and a python3 with torch and
# transformers; it downloads nothing. Its models are the demo, the golden models of the tests, and models with random
# weights, which it writes to $TMP (20 GB; /dev/shm by default). $PARTS selects checks; the default is: refusals golden
# demo 135M 8B hooks.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 tools/gpu_check.py "$@"
