# Set-up that ./tune, ./check and .ci/run share: packages, configuring and building. To be sourced by
# bash, with `root` set to the top of the checkout. Everything is said on stderr: stdout belongs to
# the program that is being set up.
# shellcheck shell=bash

: "${root:?}"
readonly infrastructure_failed=4  # the exit code, as of the tuner itself
# shellcheck disable=SC2034  # for the scripts that source this
readonly build="$root/build/release"
readonly setup_log="$root/build/setup.log"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$@"
  exit "$infrastructure_failed"
}

# One at a time in a checkout: two first runs would install and build over each other. The lock is
# held by file descriptor 9 until release_setup_lock or exit.
take_setup_lock() {
  { mkdir -p "$root/build" && exec 9>>"$root/build/.lock"; } 2>/dev/null ||
    die "cannot write to '$root/build': run from a checkout of your own"
  if ! flock -n 9; then
    say "waiting for another set-up of this checkout to end"
    flock 9
  fi
}

release_setup_lock() { exec 9>&-; }

# listed_packages <section>...
listed_packages() {
  awk -v wanted=" $* " '
    { sub(/#.*/, "") }
    /^\[/ { gsub(/[][ \t]/, ""); inside = index(wanted, " " $0 " "); next }
    inside && NF { print $1 }' "$root/scripts/packages.txt"
}

missing_packages() {
  local listed installed
  listed=$(listed_packages "$@")
  # A virtual or foreign-architecture package is listed under another name; none of ours is.
  # shellcheck disable=SC2086  # one word a package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $listed 2>/dev/null |
    sed -n 's/^installed //p')
  comm -23 <(sort -u <<<"$listed") <(sort -u <<<"$installed")
}

# logged <what it is> <command>...: quiet, and in full if it fails.
logged() {
  local what=$1
  shift
  if ! "$@" >"$setup_log" 2>&1 </dev/null; then
    cat "$setup_log" >&2
    die "$what failed; its output is above"
  fi
}

# install_packages <section>...: installs what is listed in the sections and not on the machine.
install_packages() {
  local missing as_root=() apt
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "no apt on this machine: taking the packages of scripts/packages.txt as installed"
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "packages are missing, and this is neither root nor is there sudo; as root:" \
        "apt-get install ${missing[*]}"
    as_root=(sudo)
    # Without a terminal sudo could only wait for a password nobody types.
    [[ -t 2 ]] || as_root=(sudo -n)
    "${as_root[@]}" true </dev/null ||
      die "packages are missing, and sudo refused; as root: apt-get install ${missing[*]}"
  fi
  say "installing Debian packages: ${missing[*]}"
  # The lock timeout outlasts a nightly upgrade that happens to be running.
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C
    apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  # Package lists that are there may serve; a stale or empty one makes the first attempt fail, which
  # costs a second where an update costs many.
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" \
    >"$setup_log" 2>&1 </dev/null; then
    say "updating apt's package lists"
    logged "apt-get update" "${apt[@]}" update
    logged "apt-get install" "${apt[@]}" install --no-install-recommends "${missing[@]}"
  fi
}

# One compiler a core, as long as each has its memory: Halide.h costs a compiler 0.7 GB.
build_jobs() {
  local cores available_kb
  cores=$(nproc)
  available_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  awk -v cores="$cores" -v kb="${available_kb:-0}" \
    'BEGIN { jobs = int(kb / 1e6); print jobs < 1 ? 1 : jobs < cores ? jobs : cores }'
}

# is_configured <preset>: and in this place; a checkout that was moved or copied with its build folder
# carries the old place's paths.
is_configured() {
  [[ -f $root/build/$1/build.ninja ]] &&
    grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/$1/CMakeCache.txt"
}

# configure <preset> <cmake argument>...
configure() {
  local preset=$1 fresh=()
  shift
  is_configured "$preset" || fresh=(--fresh)
  (cd "$root" && logged "configuring" cmake --preset "$preset" "${fresh[@]}" "$@") || exit
}

# Passes ninja's output to the log and shows how far it is: one live line on a terminal, elsewhere a
# line for each tenth.
show_progress() {
  local line done_steps all_steps tenth shown=-1
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$setup_log"
    [[ $line =~ ^\[([1-9][0-9]*)/([0-9]+)\] ]] || continue
    done_steps=${BASH_REMATCH[1]} all_steps=${BASH_REMATCH[2]}
    if [[ -t 2 ]]; then
      printf '\r\033[Kbuilding %s/%s' "$done_steps" "$all_steps" >&2
    elif tenth=$((done_steps * 10 / all_steps)) && ((tenth > shown)); then
      shown=$tenth
      printf 'building %s/%s\n' "$done_steps" "$all_steps" >&2
    fi
  done
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
}

# build_targets <folder> <target>...
build_targets() {
  local folder=$1
  shift
  : >"$setup_log"
  # LC_ALL=C: ninja's progress and the compilers' errors read the same everywhere.
  if ! (
    set -o pipefail
    LC_ALL=C NINJA_STATUS='[%f/%t] ' cmake --build "$folder" --parallel "$(build_jobs)" \
      --target "$@" 2>&1 </dev/null | show_progress
  ); then
    # The steps that went well say nothing of use; ninja marks the others.
    sed -n '/^FAILED:/,$p' "$setup_log" | grep . >&2 || cat "$setup_log" >&2
    die "the build failed; all of its output is in '$setup_log'"
  fi
}
