#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: the suite, real trainings, and what PyTorch users would run instead, each within its
# time; all results go to $OUT.
#   bash run.sh [seconds for the suite] [seconds for the trainings] [seconds for the peers]
set -u
cd "$(dirname "$0")"
suite=${1:-300} training=${2:-60} peers=${3:-100}
OUT=${OUT:-results}
mkdir -p "$OUT"

./gpu-suite --device cuda --seconds "$suite" --out "$OUT" 2>&1 | tee "$OUT/suite.log"
echo "suite: exit ${PIPESTATUS[0]}"

# The runner finds the compiler where the suite found it.
eval "$(./gpu-suite --environment)"
for config in fmnist yinyang; do
    timeout --signal=TERM "$((training / 2))" ./runner "configs/$config.toml" --device cuda \
        --data-dir data --out "$OUT/$config" 2>&1 | tail -n 20
done

if python3 -c "import torch" 2>/dev/null; then
    timeout "$peers" python3 peers.py --device cuda --out "$OUT/peers.jsonl"
else
    echo "peers: no PyTorch here"
fi
