#!/usr/bin/env bash
# Whether the report's chart library is what npm installs for its package.json and package-lock.json,
# byte for byte. With --update takes npm's files instead. The last line is `N passed, N failed, N
# skipped`: a machine without npm or network can only skip it, and says so.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../tuner/report/third_party"

declare -A files=(
  [uPlot.iife.min.js]=dist/uPlot.iife.min.js
  [uPlot.min.css]=dist/uPlot.min.css
  [LICENSE]=LICENSE
)

skip() {
  printf 'not checked: %s\n0 passed, 0 failed, %d skipped\n' "$1" "${#files[@]}"
  exit 0
}

command -v npm >/dev/null || skip "npm is not installed"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp package.json package-lock.json "$folder"
if ! npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund >"$folder/log" 2>&1; then
  # A checksum that does not fit is a finding; a network that is away is not.
  if grep -q -E 'EINTEGRITY|EUSAGE' "$folder/log"; then
    cat "$folder/log"
    printf '0 passed, %d failed, 0 skipped\n' "${#files[@]}"
    exit 1
  fi
  skip "npm could not fetch the package: $(grep -m 1 -E 'code|ERR' "$folder/log" || true)"
fi

passed=0 failed=0
for ours in "${!files[@]}"; do
  theirs=$folder/node_modules/uplot/${files[$ours]}
  if [[ ${1-} == --update ]]; then cp "$theirs" "$ours"; fi
  if cmp "$theirs" "$ours"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
((failed == 0))
