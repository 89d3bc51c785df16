#!/usr/bin/env bash
# Fuzzes what strangers send: scripts/fuzz.sh [EXECUTIONS [TARGET...]] builds the targets of tests/fuzz
# for libFuzzer with the address and undefined-behaviour sanitizers and runs each for EXECUTIONS
# inputs, a million by default. A table goes to stdout; what was found, and the inputs that found it,
# stay in build/fuzz/found/.
set -eu

root=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/setup.sh
source "$root/scripts/setup.sh"

executions=${1:-1000000}
if ! [[ $executions =~ ^[1-9][0-9]*$ ]]; then
  say "EXECUTIONS is '$executions', not a positive whole number; give one such as 1000000"
  exit 2
fi
shift || true
targets=("$@")
if ((${#targets[@]} == 0)); then
  for corpus in "$root"/tests/fuzz/corpus/*/; do targets+=("$(basename "$corpus")"); done
fi
for target in "${targets[@]}"; do
  if [[ ! -d $root/tests/fuzz/corpus/$target ]]; then
    say "no target '$target'; tests/fuzz/corpus has a folder for each"
    exit 2
  fi
done

take_setup_lock
install_packages run check ci
configure fuzz
build_targets "$root/build/fuzz" "${targets[@]}"
release_setup_lock

# Files that targets write are as many as inputs: in memory, where there is such a place.
scratch=$(mktemp -d "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/halyard-fuzz.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
# Inputs are small and errors shallow: what the sanitizers keep of freed memory need not be much, nor
# where each block came from. An input that was found tells that when it is run by itself.
export ASAN_OPTIONS=quarantine_size_mb=4:malloc_context_size=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

# Of a sequence of steps a long one takes long, and gets no deeper than several shorter ones.
longest_of() { [[ $1 == tracker_fuzz || $1 == lease_book_fuzz ]] && echo 300 || echo 4096; }

number_of() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }

unfinished=0
printf '%-18s %12s %8s %8s  %s\n' target executions seconds 'peak MB' result
for target in "${targets[@]}"; do
  kept=$root/build/fuzz/found/$target
  rm -rf "$kept"
  mkdir -p "$kept" "$scratch/$target"
  begun=$SECONDS result=ok
  # Without -entropic=0 libFuzzer spends three quarters of the time on its own bookkeeping.
  (cd "$kept" && "$root/build/fuzz/tests/fuzz/$target" -runs="$executions" -timeout=20 \
    -max_len="$(longest_of "$target")" -seed=1 -entropic=0 -print_final_stats=1 -verbosity=0 \
    "$scratch/$target" "$root/tests/fuzz/corpus/$target") >"$kept/log" 2>&1 || result="FOUND: see $kept"
  executed=$(number_of number_of_executed_units "$kept/log")
  # A run that a signal ended says nothing of it, and was not what was asked for.
  if [[ $result == ok ]] && ((executed < executions)); then result="cut off"; fi
  [[ $result == ok ]] || unfinished=$((unfinished + 1))
  printf '%-18s %12s %8s %8s  %s\n' "$target" "$executed" \
    $((SECONDS - begun)) "$(number_of peak_rss_mb "$kept/log")" "$result"
done
((unfinished == 0))
