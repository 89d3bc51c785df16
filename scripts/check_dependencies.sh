#!/usr/bin/env bash
# Whether each folder includes only the folders it may: prints every line that does not as file:line.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# Below its own, what a folder may include: folders, and single headers. Nothing but a test includes
# tests/.
allowed='
targets:
schedules: targets
cost_model: schedules targets
logs: schedules targets
rpc_farm: targets logs/sqlite_connection.h
tuner: targets schedules cost_model logs rpc_farm
tests: targets schedules cost_model logs rpc_farm tuner'

# shellcheck disable=SC2016  # awk's own fields
find targets schedules cost_model logs rpc_farm tuner tests -type f \
  \( -name '*.cpp' -o -name '*.c' -o -name '*.h' -o -name '*.inc' \) -print0 | sort -z |
  xargs -0 awk -v allowed="$allowed" '
    BEGIN {
      rows = split(allowed, row, "\n")
      for (i = 1; i <= rows; ++i) {
        words = split(row[i], word, /[: ]+/)
        is_folder[word[1]] = may[word[1], word[1]] = 1
        for (j = 2; j <= words; ++j) may[word[1], word[j]] = 1
      }
    }
    /^[ \t]*#[ \t]*include[ \t]*["<]/ {
      included = $0
      sub(/^[^"<]*["<]/, "", included)
      sub(/[">].*/, "", included)
      if (included ~ /(^|\/)\.\.?\//) {
        print FILENAME ":" FNR ": " included " is relative: write it from the top of the checkout"
        ++violations
      }
      if (included ~ /\.(c|cc|cpp)$/) {
        print FILENAME ":" FNR ": " included " is a source: link it"
        ++violations
      }
      from = FILENAME
      to = included
      sub(/\/.*/, "", from)
      sub(/\/.*/, "", to)
      if (to in is_folder && !((from, to) in may) && !((from, included) in may)) {
        print FILENAME ":" FNR ": " from "/ may not include " included
        ++violations
      }
    }
    END { exit violations > 0 }'
