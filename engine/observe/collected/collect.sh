#!/bin/sh
# Gathers what decides whether a packet arrives on this machine, for portscope on another one.
#
#   sh collect.sh FILE           or    portscope collect | ssh HOST sudo sh > FILE
#   portscope why TARGET --snapshot FILE
#
# It only looks: no table, module, link or rule is made by it, and no tool is asked that would load one. What the user may
# not read is missing and named in FILE. Environments and command lines stay out, but for the ports and addresses of
# docker-proxy and pasta. Needs a POSIX shell, and what there is of: ip (5.0 or newer), bridge, nft, iptables-save, ipset,
# ss, nsenter, docker, podman. PORTSCOPE_SECONDS (120) is how long it may take.
#
# FILE: "portscope-collected/1 MARK"; then for each source "MARK begin SOURCE NAMESPACE", what the tool printed, a
# newline, and "MARK end SOURCE STATUS COMPLAINT"; last "MARK done". MARK is random, so that no output can look like it.

LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
export LC_ALL PATH
umask 077

if [ $# -gt 1 ]; then
    echo "usage: sh collect.sh [FILE]" >&2
    exit 2
elif [ $# -eq 1 ]; then
    [ ! -e "$1" ] || { echo "collect: $1 exists already; it is kept" >&2; exit 2; }
    exec >"$1" || exit 4
elif [ -t 1 ]; then
    echo "collect: name a file: sh collect.sh FILE" >&2
    exit 2
fi

# What runs in each namespace too, by `nsenter … sh -c`: MARK, NETNS and what was found out of the tools are its environment.
# shellcheck disable=SC2016,SC2089
INSIDE='
# source SOURCE COMMAND…: one section; the first line of what the command complained about goes to its end
source_() {
    section=$1
    shift
    printf "%s begin %s %s\n" "$MARK" "$section" "$NETNS"
    complaint=$( { "$@" 3>&-; } 2>&1 >&3 )
    status=$?
    complaint=${complaint%%"
"*}
    printf "\n%s end %s %s %s\n" "$MARK" "$section" "$status" "$complaint"
}
skip_() {
    printf "%s begin %s %s\n\n%s end %s 127 %s\n" "$MARK" "$1" "$NETNS" "$MARK" "$1" "$2"
}
have_() {
    case " $TOOLS " in *" $1 "*) return 0 ;; esac
    return 1
}
loaded_() {
    case " $LOADED " in *" $1 "*) return 0 ;; esac
    return 1
}

stack_() {
    if ! have_ ip; then
        skip_ links "ip is not installed: install iproute2"
        return
    fi
    source_ links ip $NUMERIC -d -j link show
    source_ addresses ip $NUMERIC -d -j address show
    source_ routes ip $NUMERIC -4 -d -j route show table all
    source_ routes6 ip $NUMERIC -6 -d -j route show table all
    source_ rules ip $NUMERIC -4 -d -j rule show
    source_ rules6 ip $NUMERIC -6 -d -j rule show
    source_ neighbours ip -j neighbour show
    source_ proxies ip -4 -j neighbour show proxy
    source_ proxies6 ip -6 -j neighbour show proxy
    source_ numbers ip -j netns list-id
    source_ nexthops ip -d -j nexthop show
    source_ learned ip $NUMERIC -4 -o route show cache
    source_ learned6 ip $NUMERIC -6 -o route show cache
    if have_ tc; then
        source_ disciplines tc -j qdisc show
    else
        skip_ disciplines "tc is not installed: install iproute2"
    fi
    if have_ bridge; then
        source_ fdb bridge -j -d fdb show
        source_ vlans bridge -j vlan show
    else
        skip_ fdb "bridge is not installed: install iproute2"
    fi
}

settings_() {
    cd /proc/sys/net || return
    set --
    for each in @SETTINGS@; do
        [ ! -e "$each" ] || set -- "$@" "$each"
    done
    grep . /dev/null "$@"
}

firewall_() {
    if loaded_ nf_tables; then
        tables=yes
        if have_ nft; then
            tables=$(nft list tables 2>&1) || tables="unknown"
        fi
        if [ -n "$tables" ]; then
            if have_ nft; then
                source_ nft nft -j list ruleset
                source_ nft-text nft -a list ruleset
            else
                skip_ nft "nft is not installed: install nftables"
            fi
            case $tables in *"table ip "* | yes | unknown) save_ xt-nft iptables "$NFT4" ;; esac
            case $tables in *"table ip6 "* | yes | unknown) save_ xt-nft ip6tables "$NFT6" ;; esac
        fi
    fi
    source_ ebtables bridged_
    [ ! -e /proc/net/arp_tables_names ] || source_ arptables cat /proc/net/arp_tables_names
    legacy_ iptables ip_tables_names "$LEGACY4"
    legacy_ ip6tables ip6_tables_names "$LEGACY6"
    if loaded_ ip_set && have_ ipset; then
        source_ ipset ipset save
    fi
}
# Asking ebtables-legacy for a table makes it: only the modules of its tables are told.
bridged_() {
    for each in ebtable_broute ebtable_filter ebtable_nat; do
        [ ! -e "/sys/module/$each" ] || echo "$each"
    done
}
# save_ BACKEND NAME TOOL
save_() {
    if [ -n "$3" ]; then
        source_ "$1-$2" "$3" -c
    else
        skip_ "$1-$2" "$2-${1#xt-}-save is not installed: install iptables"
    fi
}
# Asking for a legacy table makes it: only those that are there already are asked for.
legacy_() {
    [ -e "/proc/net/$2" ] || return
    if names=$(cat "/proc/net/$2" 2>/dev/null); then
        [ -z "$names" ] || save_ xt-legacy "$1" "$3"
    else
        skip_ "xt-legacy-$1" "/proc/net/$2 may not be read: run as root"
    fi
}

listeners_() {
    for each in tcp udp; do
        if have_ ss && loaded_ "${each}_diag"; then
            source_ "ss-$each" ss -H -l -n -e "--$each"
        else
            source_ "proc-$each" cat "/proc/net/$each"
            [ ! -e "/proc/net/${each}6" ] || source_ "proc-${each}6" cat "/proc/net/${each}6"
        fi
    done
    [ ! -e /proc/net/sctp/eps ] || source_ sctp cat /proc/net/sctp/eps
}

inside_() {
    exec 3>&1
    stack_
    source_ sysctls settings_
    firewall_
    listeners_
}
'
eval "$INSIDE"

tools() {
    for each in ip bridge tc nft ipset ss nsenter timeout docker podman awk; do
        command -v "$each" >/dev/null 2>&1 && printf '%s ' "$each"
    done
}

# Modules that are loaded or built in: asking the others' tools would load them.
loaded() {
    files=/lib/modules/$(uname -r)/modules.dep
    for each in nf_tables ip_set tcp_diag udp_diag; do
        if [ -e "/sys/module/$each" ] || [ ! -r "$files" ] || ! grep -q "/$each\.ko[^ ]*:" "$files"; then
            printf '%s ' "$each"
        fi
    done
}

# variant NAME BACKEND WORD: the save tool of a backend; plain NAME-save is of either, which its version tells
variant() {
    if command -v "$1-$2-save" >/dev/null 2>&1; then
        echo "$1-$2-save"
    elif command -v "$1-save" >/dev/null 2>&1; then
        case $("$1-save" --version 2>/dev/null) in
        *nf_tables*) [ "$2" != nft ] || echo "$1-save" ;;
        *) [ "$2" != legacy ] || echo "$1-save" ;;
        esac
    fi
}

facts() {
    echo "hostname $(uname -n)"
    echo "kernel $(uname -r)"
    echo "time $(date -u +%Y-%m-%dT%H:%M:%S)+00:00"
    echo "user $(id -u)"
    case ${DOCKER_HOST:-} in unix://*) echo "docker docker -H $DOCKER_HOST" ;; esac
    echo "own $(readlink /proc/self/ns/net)"
    echo "root $(readlink /proc/1/ns/net 2>/dev/null)"
}

files() {
    set --
    for each in /run/netns/* /run/docker/netns/*; do
        [ ! -e "$each" ] || set -- "$@" "$each"
    done
    [ $# -eq 0 ] || ls -diL "$@"
}

# Of a relay's command line only the words that say which ports and addresses it joins.
relays() {
    for folder in /proc/[0-9]*; do
        name=
        read -r name <"$folder/comm" || continue
        case $name in
        docker-proxy | pasta | pasta.* | passt | passt.*)
            printf '%s %s' "${folder#/proc/}" "$name"
            tr '\0' '\n' <"$folder/cmdline" | awk '
                keep { printf " %s", $0; keep = 0; next }
                /^(--?(proto|host-ip|host-port|container-ip|container-port)|-[tu]|--(tcp|udp)-ports)$/ { printf " %s", $0; keep = 1 }
                /^(--?(proto|host-ip|host-port|container-ip|container-port)|--(tcp|udp)-ports)=/ { printf " %s", $0 }'
            echo
            ;;
        esac
    done 2>/dev/null
}

# The lines of cgroups that have the id of a container.
cgroups() {
    grep -E '[0-9a-f]{64}' /dev/null /proc/[0-9]*/cgroup 2>/dev/null
    :
}

# The namespaces of containerd other than the one that Docker uses.
tasks() {
    for state in /run/containerd /run/k3s/containerd /var/snap/microk8s/common/run/containerd; do
        for each in "$state"/io.containerd.runtime.v2.task/*; do
            case ${each##*/} in '*' | moby) ;; *) echo "${each##*/}" ;; esac
        done
    done
}

sockets() {
    # shellcheck disable=SC2012 # the names are the kernel's own
    ls -l /proc/[0-9]*/fd 2>/dev/null | awk '/^\/proc/ { print } NF > 2 && $(NF - 1) == "->" && $NF ~ /^socket:/ { print $NF }'
}

# containers CLIENT IMAGE: one JSON document a container, of these fields only; IMAGE is the template of its image
containers() {
    client=$1
    image=$2
        # shellcheck disable=SC2086 # LIMIT is two words, and each id is one
    ids=$($LIMIT "$client" ps -a -q --no-trunc) || return
    # shellcheck disable=SC2086
    [ -z "$ids" ] || $LIMIT "$client" inspect --type container --format "{\"Id\":{{json .Id}},\"Name\":{{json .Name}},\
\"Image\":{{json $image}},\"State\":{\"Status\":{{json .State.Status}},\"Pid\":{{json .State.Pid}}},\
\"Labels\":{ {{range \$k,\$v := .Config.Labels}}{{if or (eq \$k \"com.docker.compose.project\") (eq \$k \"com.docker.compose.service\") \
(eq \$k \"io.podman.compose.project\") (eq \$k \"io.podman.compose.service\")}}{{json \$k}}:{{json \$v}},{{end}}{{end}}\"\":\"\"},\
\"HostConfig\":{\"NetworkMode\":{{json .HostConfig.NetworkMode}},\"PortBindings\":{{json .HostConfig.PortBindings}}},\
\"NetworkSettings\":{\"SandboxKey\":{{json .NetworkSettings.SandboxKey}},\"Ports\":{{json .NetworkSettings.Ports}},\
\"Networks\":{ {{range \$k,\$v := .NetworkSettings.Networks}}{{json \$k}}:{\"IPAddress\":{{json \$v.IPAddress}},\
\"GlobalIPv6Address\":{{json \$v.GlobalIPv6Address}},\"Gateway\":{{json \$v.Gateway}},\
\"IPv6Gateway\":{{json \$v.IPv6Gateway}},\"MacAddress\":{{json \$v.MacAddress}}},{{end}}\"\":{}}}}" $ids
}

docker_networks() {
    # shellcheck disable=SC2086 # LIMIT is two words, and each id is one
    ids=$($LIMIT docker network ls -q --no-trunc) || return
    # shellcheck disable=SC2086
    [ -z "$ids" ] || $LIMIT docker network inspect --format "{\"Id\":{{json .ID}},\"Name\":{{json .Name}},\"Driver\":{{json .Driver}},\
\"Internal\":{{json .Internal}},\"IPAM\":{\"Config\":{{json .IPAM.Config}}},\
\"Options\":{ {{range \$k,\$v := .Options}}{{if or (eq (printf \"%.19s\" \$k) \"com.docker.network.\") (eq \$k \"parent\") \
(eq \$k \"macvlan_mode\") (eq \$k \"ipvlan_mode\") (eq \$k \"ipvlan_flag\")}}{{json \$k}}:{{json \$v}},{{end}}{{end}}\"\":\"\"}}" $ids
}

podman_networks() {
    # shellcheck disable=SC2086 # LIMIT is two words, and each name is one
    names=$($LIMIT podman network ls -q) || return
    # shellcheck disable=SC2086
    [ -z "$names" ] || $LIMIT podman network inspect --format "{\"name\":{{json .Name}},\"id\":{{json .ID}},\"driver\":{{json .Driver}},\
\"network_interface\":{{json .NetworkInterface}},\"internal\":{{json .Internal}},\"subnets\":{{json .Subnets}},\
\"options\":{{json .Options}}}" $names
}

engines() {
    socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
    if have_ docker && [ -S "${socket#unix://}" ]; then
        source_ docker containers docker .Config.Image
        source_ docker-networks docker_networks
    fi
    # Podman makes its store when there is none.
    store=/var/lib/containers/storage
    if have_ podman && { [ -e "$store/db.sql" ] || [ -e "$store/libpod/bolt_state.db" ]; }; then
        source_ podman containers podman .ImageName
        source_ podman-networks podman_networks
    fi
}

# visit INODE FILE: the sources of one namespace, in it
visit() {
    NETNS=$1
    if [ "$1" = "$OWN" ]; then
        inside_
    elif [ "$(date +%s)" -ge "$DEADLINE" ]; then
        skip_ namespace "there was no time left: give it more by PORTSCOPE_SECONDS"
    elif ! have_ nsenter; then
        skip_ namespace "nsenter is not installed: install util-linux"
    elif have_ timeout; then
        source_ namespace timeout 30 nsenter "--net=$2" sh -c "$INSIDE inside_"
    else
        source_ namespace nsenter "--net=$2" sh -c "$INSIDE inside_"
    fi
}

MARK=$(cat /proc/sys/kernel/random/uuid) || exit 4
NETNS=0
TOOLS=$(tools)
LOADED=$(loaded)
LIMIT=
! have_ timeout || LIMIT="timeout 20"
NUMERIC=
ip -N link show lo >/dev/null 2>&1 && NUMERIC=-N
NFT4=$(variant iptables nft) NFT6=$(variant ip6tables nft)
LEGACY4=$(variant iptables legacy) LEGACY6=$(variant ip6tables legacy)
OWN=$(ls -diL /proc/self/ns/net) && OWN=${OWN%% *}
DEADLINE=$(($(date +%s) + ${PORTSCOPE_SECONDS:-120}))
# shellcheck disable=SC2090 # it goes to sh -c as it is
export MARK NETNS TOOLS LOADED NUMERIC NFT4 NFT6 LEGACY4 LEGACY6 INSIDE

exec 3>&1
printf 'portscope-collected/1 %s\n' "$MARK"
source_ facts facts
FILES=$(files 2>/dev/null)
# shellcheck disable=SC2012 # the names are the kernel's own
OWNERS=$(ls -l /proc/[0-9]*/ns/net 2>/dev/null | awk 'NF > 3 && $(NF - 1) == "->" { gsub(/[^0-9]/, "", $NF); split($(NF - 2), part, "/"); print $NF, part[3] }')
source_ namespaces printf '%s\n' "$FILES"
source_ owners printf '%s\n' "$OWNERS"
source_ processes sh -c 'ls -ldn /proc/[0-9]* 2>/dev/null; cat /proc/[0-9]*/stat 2>/dev/null; :'
source_ sockets sockets
source_ relays relays
source_ cgroups cgroups
source_ tasks tasks
engines
visit "$OWN" /proc/self/ns/net
{
    printf '%s\n' "$FILES" | awk 'NF { print $1, $2 }'
    printf '%s\n' "$OWNERS" | awk 'NF { print $1, "/proc/" $2 "/ns/net" }'
} | awk -v own="$OWN" '$1 > 4026531800 && $1 != own && !seen[$1]++' | while read -r inode path; do
    visit "$inode" "$path" </dev/null
done
printf '%s done\n' "$MARK"
