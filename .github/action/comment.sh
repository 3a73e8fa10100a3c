#!/usr/bin/env bash
# One comment a pull request, written again at every run. Where it may not be written (a fork, no gh) the summary of
# the job has it all: a comment that fails must never decide whether the gate passes.
set -euo pipefail

home="$RUNNER_TEMP/caveat"
mark='<!-- caveat: summary -->'
case "${CAVEAT_PULL_REQUEST:-}" in
  ''|*[!0-9]*) echo "no pull request: no comment"; exit 0 ;;
esac
command -v gh > /dev/null || { echo "::notice title=Caveat::no gh on this runner; the summary of the job has it all"; exit 0; }

{ echo "$mark"; cat "$home/summary.md"; } > "$home/comment.md"
there="repos/$GITHUB_REPOSITORY/issues"
find=".[] | select(.body | startswith(\"$mark\")) | .id"
id="$(gh api --paginate "$there/$CAVEAT_PULL_REQUEST/comments?per_page=100" --jq "$find" | head -n 1)" || id=""
if [ -n "$id" ]; then
  gh api --method PATCH "$there/comments/$id" -F "body=@$home/comment.md" --silent || failed=1
else
  gh api --method POST "$there/$CAVEAT_PULL_REQUEST/comments" -F "body=@$home/comment.md" --silent || failed=1
fi
[ -z "${failed:-}" ] || echo "::notice title=Caveat::the comment could not be written (it needs pull-requests: write)"
