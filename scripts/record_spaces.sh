#!/usr/bin/env bash
# Records the spaces that search strategies are compared on: scripts/record_spaces.sh [--from LOG]
# [--configs N] [FOLDER]. What FOLDER (recorded_spaces) has already is skipped, and what was
# interrupted goes on, so the same command ends a campaign however often it is stopped. Hours on
# host, whose times want a quiet machine; counts of a virtual board do not mind company.
set -eu
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# operator, shape, device: products square, ragged, of one row and packed; convolutions of each form
# and depthwise; rows short and long; attention over few and many keys.
tasks='
gemm      512x512x512                                      host
gemm      77x768x3072                                      host
gemm      1x1024x1024                                      host
gemm      128x768x768,packed=1                             host
conv2d    1x28x28x128x128x3x3,pad=1,packed=1               host
conv2d    1x56x56x64x256x1x1,packed=1                      host
conv2d    1x14x14x384x384x3x3,pad=1,groups=384,packed=1    host
softmax   4096x1000                                        host
softmax   64x50257                                         host
attention 12x128x64                                        host
attention 16x1024x77x80                                    host
gemm      256x256x256                                      rpi4
conv2d    1x28x28x64x64x3x3,pad=1                          rpi4
softmax   1536x128                                         rpi4
attention 12x128x64                                        rpi4'

usage() {
  echo "record_spaces: $1; give [--from LOG] [--configs N] [FOLDER]" >&2
  exit 2
}

from='' configs=3000 folder=''
while (($#)); do
  case $1 in
    --from | --configs)
      (($# > 1)) || usage "$1 has no value"
      if [[ $1 == --from ]]; then from=$2; else configs=$2; fi
      shift
      ;;
    -*) usage "$1 is not an option" ;;
    *) [[ -z $folder ]] || usage "two folders" && folder=$1 ;;
  esac
  shift
done
folder=${folder:-recorded_spaces}
mkdir -p "$folder"

# searches.db: what finds a task's good configs where LOG does not know it. A search that is there
# already ends at once.
search() {
  local out
  out=$(mktemp -d)
  ./tune --op "$1" --shape "$2" --device "$3" --trials 128 --peer none --log "$folder/searches.db" \
    --out "$out" </dev/null >/dev/null
  rm -rf "$out"
}

# A command that is interrupted ends as one that failed, and the next would be begun.
trap 'exit 130' INT TERM
failed=0
while read -r op shape device; do
  file="$folder/${op}_$(tr ',=' '_-' <<<"$shape")_$device.space"
  if [[ -f $file ]]; then
    echo "record_spaces: $file is there" >&2
    continue
  fi
  echo "record_spaces: $op $shape on $device" >&2
  known=$from
  if [[ -z $from ]] || ! ./tune log stats --log "$from" | grep -qF "$op:$shape:f32@$device "; then
    known="$folder/searches.db"
    search "$op" "$shape" "$device" || { failed=$((failed + 1)) && continue; }
  fi
  ./tune record --op "$op" --shape "$shape" --device "$device" --configs "$configs" \
    --from "$known" --out "$file" </dev/null || failed=$((failed + 1))
done < <(sed '/^$/d' <<<"$tasks")

((failed == 0)) || {
  echo "record_spaces: $failed were not recorded; the same command tries them again" >&2
  exit 4
}
