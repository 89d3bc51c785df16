#!/usr/bin/env bash
# What tuning brings on each device: scripts/tune_devices.sh [--trials N] [--folder FOLDER]
# [DEVICE...]. Tunes a product, a convolution, softmax and attention on the devices given (ids or
# files; without one, all listed but the host) with 64 trials each, links the example with the
# library and runs it under qemu, and prints a table on stdout. What was interrupted goes on: the
# measurements are kept in FOLDER (device_table). Some minutes a device.
set -eu

root=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/setup.sh
source "$root/scripts/setup.sh"

take_setup_lock
install_packages run check
configure release -DHALYARD_TESTS=ON
build_targets "$build" device_table
release_setup_lock

# In its place, so that a signal ends it and whatever it has started.
exec "$build/tests/performance/device_table" "$@"
