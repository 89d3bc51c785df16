#!/usr/bin/env bash
# Speaks adb's command line, with this machine as the board. What it does is told by files in
# $FAKE_ADB: `state` (device, offline, unauthorized, missing, full), `no_exit_codes` (a shell without
# them, whose output has a terminal's carriage returns), `disconnect` (made while a shell runs: it is
# cut off, as by a pulled cable). Its shell is $FAKE_ADB_SHELL.
set -u
serial=HALYARD0001

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

given=$serial
if [[ ${1-} == -s ]]; then
  given=$2
  shift 2
fi
command=${1-}
shift || fail "Android Debug Bridge: no command"
state=$(<"$FAKE_ADB/state")

[[ $command == version ]] && { echo "Android Debug Bridge version 1.0.41"; exit; }
if [[ $command == devices ]]; then
  echo "List of devices attached"
  [[ $state == missing ]] || printf '%s\t%s\n' "$serial" "$state"
  exit
fi
[[ $state == missing ]] && fail "error: no devices/emulators found"
[[ $given == "$serial" ]] || fail "error: device '$given' not found"
case $state in
  unauthorized)
    fail "error: device unauthorized." \
      "This adb server's \$ADB_VENDOR_KEYS is not set" ;;
  offline) fail "error: device offline" ;;
esac

run_shell() {
  # A session of its own: on a board, nothing that is done to this client reaches it, but its stdin
  # ends with the client.
  if [[ -e $FAKE_ADB/no_exit_codes ]]; then
    { setsid "${FAKE_ADB_SHELL:-sh}" -c "$*" 2>&1 | sed 's/$/\r/'; } <&0 &
  else
    setsid "${FAKE_ADB_SHELL:-sh}" -c "$*" <&0 &
  fi
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [[ -e $FAKE_ADB/disconnect ]]; then
      rm -f "$FAKE_ADB/disconnect"
      fail "error: closed"
    fi
    sleep 0.02
  done
  wait "$pid"
}

case $command in
  get-state) echo device ;;
  get-serialno) echo "$serial" ;;
  push)
    [[ $state != full ]] ||
      fail "adb: error: failed to copy '$1' to '$2': remote No space left on device"
    cp -- "$1" "$2" || fail "adb: error: failed to copy '$1' to '$2'"
    echo "$1: 1 file pushed."
    ;;
  shell) run_shell "$@" ;;
  *) fail "adb: unknown command $command" ;;
esac
