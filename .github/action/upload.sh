#!/usr/bin/env bash
# The findings to code scanning, by the same address that GitHub's own action uses. A refusal is told and no failure.
set -euo pipefail

sarif="$RUNNER_TEMP/caveat/caveat.sarif"
[ -s "$sarif" ] || { echo "nothing to upload"; exit 0; }
command -v gh > /dev/null || { echo "::notice title=Caveat::no gh on this runner; $sarif was not uploaded"; exit 0; }

gzip -c "$sarif" | base64 -w0 > "$sarif.gz.b64"
gh api --method POST "repos/$GITHUB_REPOSITORY/code-scanning/sarifs" --silent \
  -f "commit_sha=$GITHUB_SHA" -f "ref=$GITHUB_REF" -f "tool_name=Caveat" -F "sarif=@$sarif.gz.b64" \
  || echo "::notice title=Caveat::code scanning did not take the findings (it needs security-events: write)"
