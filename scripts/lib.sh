# Shared by ./run, ./test and .ci/run; sourced, not called.

# A second checkout on the same machine finds what the first one compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# How many compilers fit: one a core, and 1.5 GiB of memory for each.
build_jobs() {
  local cores memory_mib fit
  cores=$(nproc)
  memory_mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
  fit=$((memory_mib / 1536))
  [ "$fit" -ge 1 ] || fit=1
  if [ "$fit" -lt "$cores" ]; then echo "$fit"; else echo "$cores"; fi
}

# configure PRESET [cmake arguments]: quiet unless it fails.
configure() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "configuring preset $preset failed" >&2
    return 1
  fi
  rm -f "$log"
}

# build PRESET [targets]: progress is ninja's own counter.
build() {
  local preset=$1
  shift
  NINJA_STATUS="[%f/%t, %es] " ninja -C "build/$preset" -j "$(build_jobs)" "$@"
}

has_target() {
  ninja -C "build/$1" -t query "$2" >/dev/null 2>&1
}
