# Running ctest and counting what came of it. To be sourced by bash.
# shellcheck shell=bash

# count_line <passed> <failed> <skipped>
count_line() { printf '%d passed, %d failed, %d skipped\n' "$@"; }

# count_tests <JUnit file of ctest>: prints `passed failed skipped`, and on stderr the name of each
# case that a test program skipped. Such a case counts as skipped beside its program, so that a
# missing device or server is never silent. A test that could not be started is one that failed.
count_tests() {
  awk '
    /^[[:space:]]*<testcase / {
      program = $0
      sub(/.*<testcase name="/, "", program)
      sub(/".*/, "", program)
      ran = / status="run"/
      if (ran) passed++
      else if (/ status="disabled"/) skipped++
      else failed++
    }
    /^[[:space:]]*<skipped message="SKIP_/ { skipped++; failed-- }
    # The first line of output stands behind its XML element.
    ran && /^(\t*<system-out>)?\[  SKIPPED \] .* \([0-9]+ ms\)$/ {
      skipped++
      sub(/^[^]]*\] /, "")
      print "skipped: " program ": " $0 >"/dev/stderr"
    }
    END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# run_ctest <build folder> <ctest argument>...: ends with the line of counts; fails if a test did.
run_ctest() {
  local folder=$1 results="$1/test_results.xml" status=0 counts
  shift
  rm -f "$results"
  # The output of tests that pass is kept whole for the cases they skipped.
  ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "$(nproc)" \
    --test-output-size-passed 10000000 --output-junit "$results" "$@" || status=$?
  if [[ -f $results ]]; then
    counts=$(count_tests "$results")
    # shellcheck disable=SC2086  # three numbers
    count_line $counts
    [[ $counts == *" 0 "* ]] || status=1
  fi
  return "$status"
}
