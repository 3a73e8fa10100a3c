#!/usr/bin/env bash
# Caveat in an environment of its own, from the commit that the action is pinned to and the locked wheels.
set -euo pipefail

home="$RUNNER_TEMP/caveat"
"${CAVEAT_PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error title=Caveat::Python 3.11 or newer is needed; name one with the input python"
  exit 2
}
"${CAVEAT_PYTHON:-python3}" -m venv "$home/venv"
pip=("$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" -r "$GITHUB_ACTION_PATH/requirements.lock"
"${pip[@]}" --no-deps "$GITHUB_ACTION_PATH"
