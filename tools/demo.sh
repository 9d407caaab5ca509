#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What Berth does, in two minutes: starts the daemon, makes a data set of drone-signal spectrograms, trains a
# classifier on the best device, classifies pictures that it has not seen. Everything goes through the daemon,
# as any user's work would. Ctrl-C ends it; DEMO_EXIT=1 ends it after the predictions.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
work=${DEMO_DIR:-$PWD/build/demo}
state=$work/state
export BERTH_TOKEN='' BERTH_URL=''

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

mkdir -p "$work"
rm -rf "$work/data" "$work/model" "$work/result"
daemon=
finish() { [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; daemon=; } || true; }
trap finish EXIT
trap 'exit 130' INT TERM

start() {
  "$bin/berthd" --state-dir "$state" --listen "127.0.0.1:$1" >"$work/berthd.log" 2>"$work/berthd.err" &
  daemon=$!
  for _ in $(seq 200); do
    grep -q 'listening address=' "$work/berthd.log" && return 0
    kill -0 "$daemon" 2>/dev/null || { wait "$daemon" || true; daemon=; return 1; }
    sleep 0.05
  done
  return 1
}

say "1  The daemon"
if ! start "${DEMO_PORT:-8000}"; then
  echo "Port ${DEMO_PORT:-8000}: $(tail -n 1 "$work/berthd.err")"
  echo "Taking a free port instead."
  start 0 || { cat "$work/berthd.err" >&2; exit 1; }
fi
address=$(sed -n 's/.*listening address=//p' "$work/berthd.log" | head -n 1)
export BERTH_URL=http://$address BERTH_STATE_DIR=$state
BERTH_TOKEN=$(cat "$state/token"); export BERTH_TOKEN
grep -v 'info' "$work/berthd.log"
echo "API: $BERTH_URL/"
"$bin/berth" gpus

say "2  A data set: spectrograms of synthesised radio signals (OFDM video, frequency hopping, chirps, noise)"
"$bin/berth" run --device cpu --name demo-data -- "$bin/berth-worker-dataset" synth --out "$work/data"

say "3  Training ResNet-18 on the best device"
"$bin/berth" train --model resnet18 --train "$work/data/train" --val "$work/data/valid" --save "$work/model" \
  --epochs "${DEMO_EPOCHS:-10}" --batch-size 32 --lr 0.001 --image-size 64 --device auto --name spectrograms

say "4  Inference with the trained weights on pictures that it was not trained on"
saved=$work/model
[ -f "$saved/best_model.safetensors" ] || saved=$saved/spectrograms
"$bin/berth" infer --weights "$saved/best_model.safetensors" --source "$work/data/valid" --save "$work/result"

say "5  What ran"
"$bin/berth" ps --all
echo
echo "Predictions: $work/result/result.json and result.csv"
echo "Weights:     $saved/best_model.safetensors"
if [ "${DEMO_EXIT:-0}" = 1 ]; then
  finish
  exit 0
fi
echo
echo "The daemon stays up at $BERTH_URL/ (token: $state/token). Ctrl-C ends it."
wait "$daemon"
