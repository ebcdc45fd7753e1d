#!/usr/bin/env bash
# Whether partscope is right on this machine's card, and how fast: one JSON, in less than ten minutes.
#
#   tools/gpu_check.sh BINARY OUT.json
#
# BINARY is built by tools/cuda.sh. Besides it this takes a driver, cuBLAS and cuRAND, and a python3 with torch and
# transformers; nothing is fetched. Models are the demo, the golden ones of the tests, and random ones that are made here, in
# $TMP (20 GB; memory by default). $PARTS names what is done: refusals golden demo 135M 8B hooks.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 tools/gpu_check.py "$@"
