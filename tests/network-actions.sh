#!/usr/bin/env bash
# Network actions as a client sees them: sites A and B and a client in network namespaces on one bridge, with a real BIND (TSIG) and a real keepalived at each site. The service moves from A to B by dr-edge, once in order and
# once after A's line was cut; the client asks over the IPv4 address, the IPv6 address, the VRRP address and the name, with full neighbour caches. A comes back with its old epoch and must not get the service.
# Needs root, iproute2, bind9, bind9-dnsutils, keepalived, iputils-arping, curl, python3; takes about 40 s.
#   tests/network-actions.sh PATH/TO/dr-edge
set -u
edge=$(realpath "${1:?usage: tests/network-actions.sh PATH/TO/dr-edge}")
dir=$(mktemp -d); chmod 755 "$dir"; cd "$dir" || exit 1
s=drS$$ a=drA$$ b=drB$$ c=drC$$
pids=()
fail() { echo "FAILED: $*" >&2; tail -n 5 ./*.log >&2; exit 1; }
until_() { local what=$1 k; shift; for k in $(seq 200); do "$@" > /dev/null && return; sleep 0.1; done; fail "still waiting for $what"; }
cleanup() {
  exec 2>/dev/null # The shell tells of everybody it ends.
  kill "${pids[@]}" 2>/dev/null
  for n in $s $a $b $c; do for p in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$p" 2>/dev/null; done; ip netns del "$n" 2>/dev/null; done
  wait 2>/dev/null; cd /; rm -rf "$dir"
}
trap cleanup EXIT
for n in $s $a $b $c; do ip netns add "$n" && ip -n "$n" link set lo up || fail "no network namespaces"; done
ip -n $s link add br0 type bridge && ip -n $s link set br0 up && ip -n $s address add 10.77.0.53/24 dev br0
for pair in "$a 1" "$b 2" "$c 10"; do
  set -- $pair
  ip -n "$s" link add "v$2" type veth peer name eth0 netns "$1" && ip -n "$s" link set "v$2" master br0 up
  ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
  ip -n "$1" address add "10.77.0.$2/24" dev eth0; ip -n "$1" address add "fd77::$2/64" dev eth0 nodad; ip -n "$1" link set eth0 up
done

tsig-keygen dr-site > dr.key
printf '$TTL 5\n@ SOA ns. admin. 1 3600 600 86400 1\n@ NS ns\nns A 10.77.0.53\n' > zone
cat > named.conf <<N
$(cat dr.key)
options { directory "$dir"; listen-on { 10.77.0.53; }; listen-on-v6 { none; }; pid-file none; session-keyfile none; recursion no; dnssec-validation no; };
controls { };
zone "library.test" { type primary; file "zone"; update-policy { grant dr-site zonesub ANY; }; };
N
ip netns exec $s named -g -n 1 -c "$dir/named.conf" > named.log 2>&1 & pids+=($!)
until_ "named" grep -q running named.log

site() { # NAMESPACE NAME NUMBER BASE-PRIORITY
  mkdir -p "$2"; echo 0 > "$2/priority"
  cat > "$2/keepalived.conf" <<K
global_defs { vrrp_version 3 }
vrrp_track_file dr { file $dir/$2/priority }
vrrp_instance service { state BACKUP; interface eth0; virtual_router_id 77; priority $4; advert_int 0.2
  track_file { dr weight 1 }
  virtual_ipaddress { 10.77.0.101/24 dev eth0 } }
K
  cat > "$2/edge.yaml" <<Y
data: $dir/$2/data
roles: [host]
systems:
  - id: web
    network:
      - {kind: address, address: 10.77.0.100/24, device: eth0}
      - {kind: address, address: "fd77::100/64", device: eth0}
      - {kind: vrrp, file: $dir/$2/priority, value: 100, address: 10.77.0.101/24, device: eth0}
      - {kind: dns, name: web.library.test, address: 10.77.0.$3, server: 10.77.0.53, key: $dir/dr.key, timeToLive: 1s, timeout: 3s}
Y
  sed -i 's/; /\n  /g' "$2/keepalived.conf"
  ip netns exec "$1" keepalived -n -l -f "$dir/$2/keepalived.conf" -p "$dir/$2/k.pid" -r "$dir/$2/v.pid" > "$2-keepalived.log" 2>&1 & pids+=($!)
  ip netns exec "$1" python3 -c "
import http.server, socket
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b'$2')
    def log_message(self, *a): pass
class S(http.server.ThreadingHTTPServer): address_family = socket.AF_INET6
S(('::', 8000), H).serve_forever()" & pids+=($!)
  ip netns exec "$1" "$edge" run --config "$dir/$2/edge.yaml" --control "$dir/$2/c.sock" > "$2.log" 2>&1 & pids+=($!)
}
site $a a 1 50; site $b b 2 60
until_ "A's agent" grep -q ready a.log; until_ "B's agent" grep -q ready b.log
network() { ip netns exec "$1" "$edge" system network "$3" web --epoch "$4" --control "$dir/$2/c.sock"; }
ask() { ip netns exec $c curl -sg --max-time 0.3 "http://$1:8000/"; }
name() { ip netns exec $c dig @10.77.0.53 +short +tries=1 +time=1 web.library.test; }
sees() { [ "$(ask 10.77.0.100)" = "$1" ] && [ "$(ask '[fd77::100]')" = "$1" ] && [ "$(ask 10.77.0.101)" = "$1" ] && [ "$(ask "$(name)")" = "$1" ]; }
ms() { date +%s%3N; }

network $a a here 1 > order.log 2>&1 || fail "A could not take the service: $(cat order.log)"
until_ "the client to see A" sees a

began=$(ms)
network $a a away 2 > order.log 2>&1 || fail "A could not let go: $(cat order.log)"
network $b b here 2 > order.log 2>&1 || fail "B could not take the service: $(cat order.log)"
until_ "the client to see B" sees b
echo "in order: the client sees B over every way $(( $(ms) - began )) ms after the first order"

# B's machine is cut off with all its addresses; the client's caches point to it.
ip -n $s link set v2 down; began=$(ms)
network $a a here 3 > order.log 2>&1 || fail "A could not take the service: $(cat order.log)"
until_ "the client to see A" sees a
echo "after a cut line: the client sees A over every way $(( $(ms) - began )) ms after the order"

# B comes back and still believes in epoch 2. Its addresses are taken from it by its owner's orders; what it must not do is take anything again.
network $b b here 2 > order.log 2>&1 && fail "B took the service at epoch 2 while it was cut off"
ip -n $b address del 10.77.0.100/24 dev eth0; ip -n $b address del fd77::100/64 dev eth0; echo 0 > b/priority; sleep 1
ip -n $s link set v2 up
until_ "B to reach the name server" ip netns exec $b dig @10.77.0.53 +short +tries=1 +time=1 ns.library.test > /dev/null
network $b b here 2 > order.log 2>&1 && fail "B took the service back at epoch 2"
grep -q 'epoch 3' order.log || fail "B was refused for another reason: $(cat order.log)"
ip -n $b address show dev eth0 | grep -q 10.77.0.100 && fail "B has the address"
until_ "the client to see A still" sees a
echo "a lower epoch is refused before anything moves"
