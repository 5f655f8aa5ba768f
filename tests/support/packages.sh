# Installs what is missing, by apt, saying what. To be sourced:
#   need build   to build heapdiff      need demo   the demo, too
#   need test    to run every test
# Offline once everything is there.

packages_for() {
  echo build-essential cmake ninja-build pkg-config libdw-dev libelf-dev libjansson-dev \
    libxxhash-dev libpcre2-dev zlib1g-dev libdeflate-dev libzstd-dev liblzma-dev \
    libdebuginfod-dev libiberty-dev libcurl4-openssl-dev libedit-dev
  [ "$1" != test ] || echo libcmocka-dev python3 golang-go clang llvm mandoc binutils bash \
    util-linux procps dwz elfutils debuginfod \
    libjemalloc2 libjemalloc-dev libgoogle-perftools4 libgoogle-perftools-dev google-perftools \
    valgrind zstd heaptrack \
    python3-jsonschema libxml2-utils nginx-light openssl zsh fish tmux \
    redis-server redis-tools musl-tools strace
}

need() {
  missing=
  for package in $(packages_for "$1"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "missing:$missing (install them, then run this again)" >&2
    return 1
  fi
  echo "installing:$missing"
  as_root=
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  $as_root apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends $missing >/dev/null
}
