#!/usr/bin/env bash
# Runs clang-tidy over the C++ sources that build/release compiles, tests left out for the time it takes
# (GoogleTest's macros alone double a file's); ./check writes its database.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

database=build/release/compile_commands.json
[[ -f $database ]] || {
  echo "no $database: run ./check first" >&2
  exit 4
}
# The plugin for qemu is C, and clang-tidy's checks are of C++.
mapfile -t sources < <(awk -F '"' -v top="$PWD/" '
  $2 == "file" && index($4, top) == 1 && $4 ~ /\.cpp$/ && index($4, top "tests/") != 1 { print substr($4, length(top) + 1) }' \
  "$database" | sort -u)

# --quiet still counts the warnings of system headers on stderr, a line a source: only a failure's
# stderr is of use.
# shellcheck disable=SC2016  # expanded by the inner shell
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c '
  if ! output=$(clang-tidy-14 -p build/release --quiet "$0" 2>&1); then
    printf "%s\n" "$output"
    exit 1
  fi'
