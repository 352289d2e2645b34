#!/bin/sh
# Gathers what decides whether a packet arrives on this machine, for portscope on another one.
#
#   sh collect.sh FILE           or    portscope collect | ssh HOST sudo sh > FILE
#   portscope why TARGET --snapshot FILE
#
# It only looks: no table, module, link or rule is made by it, and no tool is asked that would load one. What the user may
# not read is missing and named in FILE. Environments and command lines stay out, but for the ports and addresses of
# docker-proxy and pasta. Needs a POSIX shell, and what there is of: ip (5.0 or newer), bridge, nft, iptables-save, ipset,
# ss, arptables, bpftool, nsenter, docker, podman. PORTSCOPE_SECONDS (120) is how long it may take. With several processors it visits as many
# namespaces at the same time, at most four, and keeps what they tell in a temporary folder until they are done.
#
# FILE: "portscope-collected/1 MARK"; then for each source "MARK begin SOURCE NAMESPACE", what the tool printed, a
# newline, and "MARK end SOURCE STATUS COMPLAINT"; last "MARK done". MARK is random, so that no output can look like it.

LC_ALL=C
TZ=UTC
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
export LC_ALL PATH TZ
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
# tool_ SOURCE PROGRAM…: the same of a program, without a process of the shell beside it
tool_() {
    tool=$1
    shift
    source_ "$tool" exec "$@"
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

ip_() {
    if [ -n "$NUMERIC" ]; then exec ip -N "$@"; else exec ip "$@"; fi
}
# Starting a tool costs more than its answer. Of a container, which has little to tell, one tool is asked several things
# at once, and its answers are told apart by their lines. Where that is not so, or one fails, each is asked by itself.
# lines_ TEXT: sets LINES_ to the lines that are not empty
lines_() {
    set -f
    IFS="
"
    # shellcheck disable=SC2086 # it is to be split
    set -- $1
    unset IFS
    set +f
    LINES_=$#
}
# told_ SOURCE TEXT: a section that was read with others
told_() {
    printf "%s begin %s %s\n%s\n%s end %s 0 \n" "$MARK" "$1" "$NETNS" "$2" "$MARK" "$1"
}
# together_ OPTIONS QUESTIONS SOURCE…: one ip for several questions, each answered in a line of JSON; LINKS_ says whether
# a link among the answers keeps forwarding entries
together_() {
    [ "$NETNS" != "$OWN" ] || return 1
    # shellcheck disable=SC2086 # options are words
    answers=$(ip_ $1 -d -j -batch - 2>/dev/null <<END
$2
END
    ) || return 1
    lines_ "$answers"
    shift 2
    [ "$LINES_" -eq $# ] || return 1
    case $answers in *"\"bridge\""* | *"\"vxlan\""*) LINKS_=yes ;; *) LINKS_= ;; esac
    for section in "$@"; do
        told_ "$section" "${answers%%"
"*}"
        answers=${answers#*"
"}
    done
}

# Classifiers hang at disciplines of two kinds; one tc tells what hangs at one of them.
classified_() {
    if ! answers=$(tc -j qdisc show 2>/dev/null); then
        tool_ disciplines tc -j qdisc show
        return
    fi
    told_ disciplines "$answers"
    case $answers in *"\"clsact\""* | *"\"ingress\""*) source_ classifiers classifiers_ ;; esac
}
# A line DEVICE HOOK and one of JSON each.
classifiers_() {
    tc qdisc show | while read -r _ kind _ _ device _; do
        for hook in ingress egress; do
            case $kind-$hook in clsact-* | ingress-ingress) ;; *) continue ;; esac
            printf "%s %s\n" "$device" "$hook"
            tc -j filter show dev "$device" "$hook" || return
        done
    done
}
stack_() {
    if ! have_ ip; then
        skip_ links "ip is not installed: install iproute2"
        return
    fi
    LINKS_=yes
    together_ "" "link show
address show
neighbour show
netns list-id
nexthop show" links addresses neighbours numbers nexthops || {
        source_ links ip_ -d -j link show
        source_ addresses ip_ -d -j address show
        tool_ neighbours ip -j neighbour show
        tool_ numbers ip -j netns list-id
        tool_ nexthops ip -d -j nexthop show
    }
    forwards=$LINKS_
    together_ -4 "route show table all
rule show
neighbour show proxy" routes rules proxies || {
        source_ routes ip_ -4 -d -j route show table all
        source_ rules ip_ -4 -d -j rule show
        tool_ proxies ip -4 -j neighbour show proxy
    }
    together_ -6 "route show table all
rule show
neighbour show proxy" routes6 rules6 proxies6 || {
        source_ routes6 ip_ -6 -d -j route show table all
        source_ rules6 ip_ -6 -d -j rule show
        tool_ proxies6 ip -6 -j neighbour show proxy
    }
    source_ learned ip_ -4 -o route show cache
    source_ learned6 ip_ -6 -o route show cache
    if have_ tc; then
        classified_
    else
        skip_ disciplines "tc is not installed: install iproute2"
    fi
    [ -z "$BPF" ] || tool_ bpf bpftool -j net show
    if [ -z "$forwards" ]; then
        return
    elif have_ bridge; then
        tool_ fdb bridge -j -d fdb show
        tool_ vlans bridge -j vlan show
    else
        skip_ fdb "bridge is not installed: install iproute2"
    fi
}

settings_() {
    cd /proc/sys/net || return
    failed=0
    set --
    for each in @SETTINGS@; do
        [ ! -e "$each" ] || set -- "$@" "$each"
        # A list of thousands would be copied thousands of times.
        [ $# -lt 200 ] || { grep . /dev/null "$@" || failed=$?; set --; }
    done
    [ $# -eq 0 ] || grep . /dev/null "$@" || failed=$?
    return "$failed"
}

firewall_() {
    if loaded_ nf_tables; then
        tables=yes
        if have_ nft; then
            tables=$(nft list tables 2>&1) || tables="unknown"
        fi
        if [ -n "$tables" ]; then
            if have_ nft; then
                tool_ nft nft -j list ruleset
                tool_ nft-text nft -a list ruleset
            else
                skip_ nft "nft is not installed: install nftables"
            fi
            case $tables in *"table bridge "* | yes | unknown)
                ! have_ ebtables-nft-save || tool_ ebtables-rules ebtables-nft-save ;;
            esac
            case $tables in *"table ip "* | yes | unknown) save_ xt-nft iptables "$NFT4" ;; esac
            case $tables in *"table ip6 "* | yes | unknown) save_ xt-nft ip6tables "$NFT6" ;; esac
        fi
    fi
    queues_ /proc/net/netfilter/nfnetlink_queue
    [ ! -e /proc/net/ip_vs ] || tool_ ipvs cat /proc/net/ip_vs
    if loaded_ xfrm_user && have_ ip; then
        source_ ipsec ipsec_
    elif have_ ip; then
        told_ ipsec ""
    fi
    source_ ebtables bridged_
    arp_
    legacy_ iptables ip_tables_names "$LEGACY4"
    legacy_ ip6tables ip6_tables_names "$LEGACY6"
    if loaded_ ip_set && have_ ipset; then
        tool_ ipset ipset save
    fi
}
# Asking ebtables-legacy for a table makes it: only the modules of its tables are told that are in use, as rules make them.
bridged_() {
    for each in ebtable_broute ebtable_filter ebtable_nat; do
        [ ! -e "/sys/module/$each" ] || [ "$(cat "/sys/module/$each/refcnt" 2>/dev/null)" = 0 ] || echo "$each"
    done
}
# As with legacy_ below: only a table that is there already is asked for, and there is no other than `filter`.
arp_() {
    names=
    [ ! -r /proc/net/arp_tables_names ] || read -r names </proc/net/arp_tables_names
    if [ -n "$names" ] && [ -n "$ARP" ]; then
        tool_ arptables-rules "$ARP" -t "$names" -L -n -v
    else
        told_ arptables "$names"
    fi
}
# How many states and policies there are, and what is done without one.
ipsec_() {
    ip xfrm state count && ip xfrm policy count && { ip xfrm policy getdefault 2>/dev/null || :; }
}
# queues_ FILE: which the kernel does not have before its module is there
queues_() {
    if [ ! -e "$1" ]; then
        told_ queues ""
    elif [ -r "$1" ]; then
        tool_ queues cat "$1"
    else
        skip_ queues "$1 may not be read: run as root"
    fi
}
# save_ BACKEND NAME TOOL
save_() {
    if [ -n "$3" ]; then
        tool_ "$1-$2" "$3" -c
    else
        skip_ "$1-$2" "$2-${1#xt-}-save is not installed: install iptables"
    fi
}
# Asking for a legacy table makes it: only those that are there already are asked for.
legacy_() {
    [ -e "/proc/net/$2" ] || return
    if [ -r "/proc/net/$2" ]; then
        names=
        read -r names <"/proc/net/$2"
        [ -z "$names" ] || save_ xt-legacy "$1" "$3"
    else
        skip_ "xt-legacy-$1" "/proc/net/$2 may not be read: run as root"
    fi
}

# Listeners of both protocols by one ss, which then names the protocol of each.
sockets_() {
    [ "$NETNS" != "$OWN" ] && have_ ss && loaded_ tcp_diag && loaded_ udp_diag || return 1
    # shellcheck disable=SC2086 # it is to be split
    answers=$(ss -H -l -n -e $OPTIONS --tcp --udp 2>/dev/null) || return 1
    tcp=""
    udp=""
    set -f
    IFS="
"
    for line in $answers; do
        case $line in
        tcp*) tcp="$tcp$line
" ;;
        udp*) udp="$udp$line
" ;;
        *) unset IFS; set +f; return 1 ;;
        esac
    done
    unset IFS
    set +f
    told_ ss-tcp "$tcp"
    told_ ss-udp "$udp"
}

listeners_() {
    sockets_ || for each in tcp udp; do
        if have_ ss && loaded_ "${each}_diag"; then
            # shellcheck disable=SC2086 # it is to be split
            tool_ "ss-$each" ss -H -l -n -e $OPTIONS "--$each"
        else
            tool_ "proc-$each" cat "/proc/net/$each"
            [ ! -e "/proc/net/${each}6" ] || tool_ "proc-${each}6" cat "/proc/net/${each}6"
        fi
    done
    [ ! -e /proc/net/sctp/eps ] || tool_ sctp cat /proc/net/sctp/eps
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
    for each in ip bridge tc bpftool nft ipset ss nsenter timeout docker podman awk; do
        command -v "$each" >/dev/null 2>&1 && printf '%s ' "$each"
    done
}

# Modules that are loaded or built in: asking the others' tools would load them.
loaded() {
    files=/lib/modules/$(uname -r)/modules.dep
    for each in nf_tables ip_set tcp_diag udp_diag xfrm_user; do
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

# The arptables that lists the old tables: the plain one may be of either kind.
arptables_() {
    if command -v arptables-legacy >/dev/null 2>&1; then
        echo arptables-legacy
    elif command -v arptables >/dev/null 2>&1; then
        case $(arptables --version 2>/dev/null) in *nf_tables*) ;; *) echo arptables ;; esac
    fi
}

# Programs of tcx and netkit, which Linux 6.6 brought, are told by bpftool alone, where there is a program of that type.
bpf() {
    if have_ bpftool; then
        case $(bpftool -j prog show 2>/dev/null) in *'"type":"sched_cls"'*) echo yes ;; esac
    fi
}
no_bpftool() {
    case $(uname -r) in [0-5].* | 6.[0-5] | 6.[0-5][!0-9]*) return ;; esac
    have_ bpftool || skip_ bpf "bpftool is not installed: install it to see programs of tcx and netkit"
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
    set --
    for folder in /proc/[0-9]*; do
        name=
        read -r name <"$folder/comm" || continue
        case $name in docker-proxy | pasta | pasta.* | passt | passt.*)
            printf '%s %s\n' "${folder#/proc/}" "$name"
            set -- "$@" "$folder/cmdline"
            ;;
        esac
    done 2>/dev/null
    # An argument begins no line of what `head` prints of several files, so that none is taken for a file's name.
    [ $# -eq 0 ] || head -n 1 /dev/null "$@" 2>/dev/null | tr '\0' '\001'
}
# What `relays` tells, in a line for each.
relays_lines() {
    relays | awk -F '\001' '
        /^==> \/proc\/[0-9]+\/cmdline <==$/ { split($0, part, "/"); pid = part[3]; next }
        !pid && /^[0-9]+ / { split($0, part, " "); name[part[1]] = part[2]; next }
        (pid in name) && NF {
            line = pid " " name[pid]
            delete name[pid]
            for (at = 1; at <= NF; at++)
                if ($at ~ /^(--?(proto|host-ip|host-port|container-ip|container-port)|-[tu]|--(tcp|udp)-ports)$/) {
                    line = line " " $at " " $(at + 1)
                    at++
                } else if ($at ~ /^(--?(proto|host-ip|host-port|container-ip|container-port)|--(tcp|udp)-ports)=/)
                    line = line " " $at
            print line
        }'
}

# The lines of cgroups that have the id of a container.
cgroups() {
    grep -E '[0-9a-f]{64}' /dev/null /proc/[0-9]*/cgroup 2>/dev/null
    :
}

# The shims of containerd in this namespace, or anywhere where that is the machine's: a line of the root
# of its file system and the folder of tasks, each once; with the argument `hidden` those with process numbers of their own.
shims() {
    seen=
    grep -l '^containerd-shim' /proc/[0-9]*/comm 2>/dev/null | while read -r each; do
        proc=${each%/comm}
        own=$(readlink "$proc/ns/net") || continue
        pids=$(readlink "$proc/ns/pid") || continue
        folder=$(readlink "$proc/cwd") || continue
        folder=${folder%/*/*}
        case $own in "$(readlink /proc/self/ns/net)") ;; *) [ "$ROOT" = "$(readlink /proc/self/ns/net)" ] || continue ;; esac
        case $pids in "$(readlink /proc/self/ns/pid)") hidden= ;; *) hidden=hidden ;; esac
        case $folder in */io.containerd.runtime.v2.task) ;; *) continue ;; esac
        case " $seen " in *" $folder "*) continue ;; esac
        [ "$hidden" != "$1" ] || { seen="$seen $folder"; printf '%s/root %s\n' "$proc" "$folder"; }
    done
}
hidden_tasks() {
    shims hidden | while read -r root folder; do ls "$root$folder"; done
}
# Containers that containerd runs, but for Docker's: of each configuration, which has arguments and environment as well, only
# the notes that name it, and its network namespace. A quote inside of a text is behind a backslash: none of these is cut
# out of a text.
tasks() {
    shims '' | while read -r root folder; do
        for each in "$root$folder"/*/*; do
            namespace=${each%/*}
            namespace=${namespace##*/}
            [ "$namespace" != moby ] && [ -f "$each/config.json" ] && [ -f "$each/init.pid" ] || continue
            pid=
            read -r pid <"$each/init.pid" || :
            printf '{"namespace":"%s","id":"%s","pid":%d,"annotations":{%s},"linux":{"namespaces":[%s]}}\n' \
                "$namespace" "${each##*/}" "$pid" "$(cut_ "$each/config.json" "$NOTES")" "$(cut_ "$each/config.json" "$NETWORK")"
        done
    done
}
NOTES='"(io\.kubernetes\.cri\.(sandbox-name|container-name|sandbox-id|image-name)|nerdctl/(name|networks|ports)'\
'|(com\.docker|io\.podman)\.compose\.(project|service))":"([^"\\]|\\.)*"'
NETWORK='\{"type":"network"(,"path":"([^"\\]|\\.)*")?\}'
# cut_ FILE PATTERN: what matches in a file, with commas between
cut_() {
    grep -o -E "$2" "$1" | paste -s -d , -
}
# What CNI gave to sandboxes: a line for each file.
results() {
    shims '' | while read -r root _; do
        for each in "$root/var/lib/cni/results"/*; do
            [ ! -f "$each" ] || { tr -d '\n' <"$each"; echo; }
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
    [ -z "$ids" ] || $LIMIT "$client" inspect --type container --format "{\"Id\":{{json .ID}},\"Name\":{{json .Name}},\
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

# Sets SECONDS_ to the seconds since the machine was started.
seconds() {
    read -r SECONDS_ _ </proc/uptime
    SECONDS_=${SECONDS_%%.*}
}

# visit INODE FILE: the sources of one namespace, in it
visit() {
    NETNS=$1
    if [ "$1" = "$OWN" ]; then
        inside_
    elif seconds && [ "$SECONDS_" -ge "$DEADLINE" ]; then
        skip_ namespace "there was no time left: give it more by PORTSCOPE_SECONDS"
    elif ! have_ nsenter; then
        skip_ namespace "nsenter is not installed: install util-linux"
    elif have_ timeout; then
        tool_ namespace timeout 30 nsenter "--net=$2" sh -c "$INSIDE inside_"
    else
        tool_ namespace nsenter "--net=$2" sh -c "$INSIDE inside_"
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
OPTIONS=
ss -O --inet-sockopt -V >/dev/null 2>&1 && OPTIONS="-O --inet-sockopt"
NFT4=$(variant iptables nft) NFT6=$(variant ip6tables nft)
LEGACY4=$(variant iptables legacy) LEGACY6=$(variant ip6tables legacy)
ARP=$(arptables_)
BPF=$(bpf)
OWN=$(ls -diL /proc/self/ns/net) && OWN=${OWN%% *}
seconds
DEADLINE=$((SECONDS_ + ${PORTSCOPE_SECONDS:-120}))
# shellcheck disable=SC2090 # it goes to sh -c as it is
export MARK NETNS OWN TOOLS LOADED NUMERIC OPTIONS NFT4 NFT6 LEGACY4 LEGACY6 ARP BPF INSIDE

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
source_ relays relays_lines
source_ cgroups cgroups
ROOT=$(readlink /proc/1/ns/net 2>/dev/null)
no_bpftool
source_ tasks hidden_tasks
source_ containerd tasks
source_ cni results
engines
visit "$OWN" /proc/self/ns/net

# others NUMBER OF: visits to each OFth of the other namespaces
others() {
    {
        printf '%s\n' "$FILES" | awk 'NF { print $1, $2 }'
        printf '%s\n' "$OWNERS" | awk 'NF { print $1, "/proc/" $2 "/ns/net" }'
    } | awk -v own="$OWN" -v number="$1" -v of="$2" \
        '$1 > 4026531800 && $1 != own && !seen[$1]++ && count++ % of == number' | while read -r inode path; do
        visit "$inode" "$path" </dev/null
    done
}

workers=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || workers=1
[ "$workers" -le 4 ] 2>/dev/null || workers=4
if [ "$workers" -gt 1 ] && folder=$(mktemp -d 2>/dev/null); then
    started=
    trap 'rm -rf "$folder"' EXIT
    # shellcheck disable=SC2086 # each is one
    trap 'kill $started; exit 130' HUP INT TERM
    number=0
    while [ "$number" -lt "$workers" ]; do
        # Descriptor 3 is where sections of a namespace go.
        others "$number" "$workers" >"$folder/$number" 3>&1 &
        started="$started $!"
        number=$((number + 1))
    done
    wait
    cat "$folder"/*
else
    others 0 1
fi
printf '%s done\n' "$MARK"
