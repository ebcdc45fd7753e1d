#!/usr/bin/env bash
# Trains a demo model from scratch: `tools/demo_recipe.sh SEED OUT`. `python` needs PyTorch, tokenizers and safetensors.
# Each stage has a folder in OUT. A finished stage is not run again, so a stopped recipe continues where it stopped.
set -euo pipefail
seed=$1 out=$2
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE KMP_BLOCKTIME=0
before=()

# stage NAME "CORPUS OPTIONS" TRAINING OPTIONS…: writes the stage's corpus and continues training from the stage before.
stage() {
  local name=$1 corpus=$2 folder=$out/$1
  shift 2
  if [ ! -e "$folder/ended" ]; then
    mkdir -p "$folder"
    # shellcheck disable=SC2086
    cargo run --quiet --release --example demo_corpus -- --corpus "$folder/corpus.jsonl" --seed "$seed$name" $corpus
    torchrun --nproc-per-node 2 tools/train_demo.py --corpus "$folder/corpus.jsonl" --out "$folder" --seed "$seed" \
      --minutes 9999 --label-weight 15 --others 0.1 "${before[@]}" "$@" | tee "$folder/log"
    touch "$folder/ended"
  fi
  before=(--checkpoint "$folder/checkpoint.pt")
}

# One example per document, without habits: the model learns the eight tasks.
stage 1 "--longest 1 --habits 0 --drills 0.12 --documents 240000 --from 0.1 --to 0.6
  --only sentiment=1,topic=1,reading=1.8,entailment=0.9,inference=0.8,paraphrase=1.4,senses=0.9,choice=1.8" \
  --steps 1400 --schedule trunk --context 192 --batch 20 --rate 2e-3
# Up to eight examples, with habits: the formats begin to differ.
stage 2 "--longest 8 --documents 23500 --from 0.7 --to 1 --settle 16
  --only sentiment=0.9,topic=0.9,reading=1.1,entailment=1.2,inference=1,paraphrase=1.2,senses=1,choice=1" \
  --steps 800 --schedule trunk --context 384 --batch 10 --rate 1.5e-3
# Up to twenty-five examples, in rows that hold them all, with strong habits that fade early, so that more examples help. Then more noise,
# habits that fade late and few calm documents, so that a few examples do not show which kind of document it is.
long="--longest 25 --from 1 --to 1
  --only sentiment=1,topic=1,reading=0.9,entailment=1.2,inference=1,paraphrase=1.2,senses=1,choice=0.8"
stage 3 "$long --settle 16 --habits 1.2 --documents 18500" --steps 600 --schedule trunk --context 800 --batch 6 --rate 1.2e-3
stage 4 "$long --settle 44 --noise 2.4 --calm 0.08 --documents 9500" --steps 500 --context 800 --batch 6 --rate 1.2e-3
