#!/usr/bin/env bash
# Cargo with a CUDA compiler, set up from nothing: tools/cuda.sh build --release --features cuda
#
# The compiler comes from NVIDIA's Python packages, all of CUDA 13.0, and goes into a folder of the user's cache (about
# 400 MB; $PARTSCOPE_CUDA says otherwise). No driver, card or library of NVIDIA's is needed to build. The program opens
# the driver, cuBLAS and cuRAND when a card is asked for and not before, so that it also starts where there are none:
# the tensor library would have them linked, and `--cfg feature="dynamic-loading"` tells its bindings otherwise. That flag
# must not reach build scripts, which is why a target is named: the program is in target/x86_64-unknown-linux-gnu/.
#
# CUDA_COMPUTE_CAP is the card's compute capability: 80 A100, 86 RTX 30, 89 L4 and RTX 40, 90 H100 and H200.
set -euo pipefail
root=${PARTSCOPE_CUDA:-${XDG_CACHE_HOME:-$HOME/.cache}/partscope/cuda-13.0}
home=$root/nvidia/cu13

if [ ! -e "$root/done" ]; then
    python3 -m pip install --quiet --no-deps --upgrade --target "$root" \
        nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
        nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-curand==10.4.0.35
    # What the linker is asked for and the program never needs at its start.
    mkdir -p "$home/lib/stubs"
    for name in cuda nvrtc curand cublas cublasLt; do
        cc -shared -x c -o "$home/lib/stubs/lib$name.so" /dev/null
    done
    ln -sf ../libcudart_static.a "$home/lib/stubs/libcudart.a"
    touch "$root/done"
fi

target=x86_64-unknown-linux-gnu
export CUDA_HOME=$home CUDA_PATH=$home PATH=$home/bin:$PATH
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90}
export CARGO_BUILD_TARGET=$target
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="--cfg feature=\"dynamic-loading\" -L native=$home/lib/stubs ${RUSTFLAGS:-}"
unset RUSTFLAGS
exec cargo "$@"
