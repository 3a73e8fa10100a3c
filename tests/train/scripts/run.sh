#!/usr/bin/env bash
# The way many a run is really started: a script that sets what it likes and calls another.
set -euo pipefail
export TOKENIZERS_PARALLELISM=false
python "$@"
