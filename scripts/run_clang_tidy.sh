#!/usr/bin/env bash
# Runs clang-tidy over the C++ that build/release compiles, tests left out for the time it takes
# (GoogleTest's macros alone double a file's); ./check writes its database. Sources that are compiled
# together are looked at together: most of the time goes to the headers they share.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

build=build/release
[[ -f $build/compile_commands.json ]] || {
  echo "no $build/compile_commands.json: run ./check first" >&2
  exit 4
}
# The plugin for qemu is C, and clang-tidy's checks are of C++.
mapfile -t sources < <(awk -F '"' -v top="$PWD/" -v build="$build/" '
  $2 == "file" && index($4, top) == 1 {
    file = substr($4, length(top) + 1)
    if (index(file, "tests/") == 1 || index(file, build "tests/") == 1) next
    if (file ~ /\.cpp$/ || file ~ /\/Unity\/unity_[^\/]*\.cxx$/) print file
  }' "$build/compile_commands.json" | sort -u)

# A unity source includes sources, which is what that check is against. --quiet still counts the
# warnings of system headers on stderr, a line a source: only a failure's stderr is of use.
# shellcheck disable=SC2016  # expanded by the inner shell
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c '
  if ! output=$(clang-tidy-14 -p build/release --quiet --checks=-bugprone-suspicious-include "$0" 2>&1); then
    printf "%s\n" "$output"
    exit 1
  fi'
