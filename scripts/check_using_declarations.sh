#!/usr/bin/env bash
# Whether each name that a source declares with `using` is used in it: prints every line of which that
# is not so as file:line. clang-tidy's own check looks at sources that are compiled by themselves only.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2016  # awk's own fields
find targets schedules cost_model logs rpc_farm tuner tests -type f -name '*.cpp' -print0 | sort -z |
  xargs -0 awk '
    function report(name) {
      for (name in line) {
        if (!(name in used)) {
          print file ":" line[name] ": " name " is not used"
          ++violations
        }
      }
      delete line
      delete used
    }
    FNR == 1 { report(); file = FILENAME }
    { sub(/\/\/.*/, "") }
    /^[ \t]*using [A-Za-z_0-9:]*::[A-Za-z_0-9]+;/ {
      name = $0
      sub(/;.*/, "", name)
      sub(/.*::/, "", name)
      line[name] = FNR
      next
    }
    {
      words = split($0, word, /[^A-Za-z_0-9]+/)
      for (i = 1; i <= words; ++i) used[word[i]] = 1
    }
    END {
      report()
      exit violations > 0
    }'
