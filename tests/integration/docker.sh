# Sourced by tests of docker: a daemon of the test's own, in namespaces of its own, that leaves this
# machine's network and mounts alone and ends with the test.
needs docker dockerd unshare ip
[ "$(id -u)" = 0 ] || skip "dockerd as root only"
export DOCKER_HOST=unix://$scratch/docker.sock

daemon() {
  unshare --net --mount sh -c '
    set -e
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 none /run
    mount -t tmpfs -o mode=755 none /opt
    ip link set lo up
    exec dockerd --data-root "$1/docker" --exec-root "$1/exec" --pidfile "$1/docker.pid" --host "unix://$1/docker.sock" \
      --iptables=false --ip6tables=false --bridge=none --storage-driver="$2" --exec-opt native.cgroupdriver=cgroupfs' sh "$scratch" "$1" \
    >"$scratch/dockerd.log" 2>&1 &
  dockerd=$!
}
# It ends by itself once it is told to, and with it what it has mounted.
end_daemon() {
  docker ps --all --quiet 2>/dev/null | xargs -r docker rm --force >/dev/null 2>&1 || true
  kill "$dockerd" 2>/dev/null || true
  wait "$dockerd" 2>/dev/null || true
}
answers() { ! kill -0 "$dockerd" 2>/dev/null || docker info >/dev/null 2>&1; }
for driver in overlay2 vfs; do
  daemon "$driver"
  trap 'end_daemon; rm -rf "$scratch" || true' EXIT
  wait_until 60 answers
  if kill -0 "$dockerd" 2>/dev/null; then break; fi
done
kill -0 "$dockerd" 2>/dev/null || skip "dockerd does not run here: $(grep -v level=info "$scratch/dockerd.log" | tail -2)"
