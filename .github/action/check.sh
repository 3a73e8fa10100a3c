#!/usr/bin/env bash
# One check, told four ways: SARIF, a summary for people, the log of the job, and an exit code that the last step returns.
set -euo pipefail

home="$RUNNER_TEMP/caveat"
caveat="$home/venv/bin/caveat"
sarif="$home/caveat.sarif"

mapfile -t more < <(printf '%s\n' "${CAVEAT_ARGS:-}" | sed '/^[[:space:]]*$/d')
mapfile -t paths < <(printf '%s\n' "${CAVEAT_PATHS:-.}" | tr ' ' '\n' | sed '/^[[:space:]]*$/d')
# A name that begins with a dash is a name.
words=(--fail-on "${CAVEAT_FAIL_ON:-prohibited,contradicted,unknown}" "${more[@]}")
[ -z "${CAVEAT_BASELINE:-}" ] || words+=(--baseline "$CAVEAT_BASELINE")
[ -z "${CAVEAT_POLICY:-}" ] || words+=(--policy "$CAVEAT_POLICY")

rm -f "$sarif"
code=0
"$caveat" check "${words[@]}" --format sarif --output "$sarif" -- "${paths[@]}" 2> "$home/told" || code=$?
cat "$home/told" >&2
if [ ! -s "$sarif" ]; then
  [ "$code" -ne 0 ] || code=2
fi
"$home/venv/bin/python" "$GITHUB_ACTION_PATH/.github/action/summary.py" "$sarif" "$code" "$home/told" > "$home/summary.md"

cat "$home/summary.md" >> "$GITHUB_STEP_SUMMARY"
{
  echo "exit-code=$code"
  echo "sarif=$sarif"
} >> "$GITHUB_OUTPUT"
