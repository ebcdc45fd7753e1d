#!/usr/bin/env bash
# Runs cargo with a CUDA compiler, which it installs: tools/cuda.sh build --release --features cuda
#
# The compiler comes from NVIDIA's Python packages for CUDA 13.0 and is installed in a folder of the user's cache (about
# 400 MB), or in $PARTSCOPE_CUDA. Building needs no NVIDIA driver, card or library. The program loads the driver, cuBLAS
# and cuRAND only when it opens a card, so it also starts on machines without them: by default the tensor library links
# them, and `--cfg feature="dynamic-loading"` makes its bindings load them instead. That flag must not reach build
# scripts, so the build names a target, and the program is in target/x86_64-unknown-linux-gnu/.
#
# CUDA_COMPUTE_CAP is the card's compute capability: 80 A100, 86 RTX 30, 89 L4 and RTX 40, 90 H100 and H200.
set -euo pipefail
root=${PARTSCOPE_CUDA:-${XDG_CACHE_HOME:-$HOME/.cache}/partscope/cuda-13.0}
home=$root/nvidia/cu13

if [ ! -e "$root/done" ]; then
    python3 -m pip install --quiet --no-deps --upgrade --target "$root" \
        nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
        nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-curand==10.4.0.35
    # Empty libraries for the linker; the program does not need them to start.
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
