#!/usr/bin/env bash
# A real Apache Kafka for the tests, on loopback, from Maven Central. Needs mvn and a Java of 17 or later.
#
#   tests/broker/kafka.sh start DIR [BROKERS]   starts 1 or 3 brokers with empty logs in DIR, prints their addresses
#   tests/broker/kafka.sh stop DIR              stops them
#   tests/broker/kafka.sh again DIR N           starts broker N again, with what it had written
#
# DIR/ports has a line for each broker: its port, the port of a second listener for a proxy, and the port under which that
# listener is advertised, where the proxy has to be. DIR/broker-N.pid is the process that ends the broker after its time; the
# broker is its child.
#
# KAFKA_VERSION, KAFKA_PORT (first of the ports; free ones by default, so that two suites do not meet), KAFKA_PARTITIONS (of a topic that is asked for, 24), KAFKA_SECONDS (brokers
# end by themselves after it, 3600), KAFKA_KEPT_BYTES (of each partition, about; all), KAFKA_LIB (where the jars are kept, target/kafka/lib).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${KAFKA_VERSION:-4.1.0}
lib=${KAFKA_LIB:-$here/../../target/kafka/lib-$version}

say() { printf '%s\n' "$*" >&2; }

fetch() {
    [ -f "$lib/.whole" ] && return
    say "fetching Apache Kafka $version"
    mkdir -p "$lib"
    mvn -q -B -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$(cd "$lib" && pwd)" >&2
    touch "$lib/.whole"
}

# The first of twelve ports that nobody listens on, below those that the system gives away.
free() {
    local base n
    for _ in $(seq 200); do
        base=$((20000 + (RANDOM * 32768 + RANDOM) % 1000 * 12))
        for n in $(seq 0 11); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$((base + n))") 2>/dev/null; then continue 2; fi
        done
        echo "$base"
        return
    done
    say "no free ports"
    exit 1
}

# In a session of its own, so that the shell that started it may go; timeout ends it in any case.
launch() {
    local dir=$1 n=$2
    setsid timeout "${KAFKA_SECONDS:-3600}" java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$lib/*" kafka.Kafka "$dir/server-$n.properties" \
        >>"$dir/broker-$n.log" 2>&1 </dev/null &
    echo $! >"$dir/broker-$n.pid"
}

start() {
    local dir=$1 brokers=${2:-1} voters="" addresses="" id n
    fetch
    mkdir -p "$dir"
    stop "$dir"
    rm -rf "${dir:?}"/data-* "${dir:?}"/*.log "${dir:?}"/ports
    local port=${KAFKA_PORT:-$(free)}
    local copies=$((brokers < 3 ? 1 : 3)) least=$((brokers < 3 ? 1 : 2))
    for n in $(seq "$brokers"); do
        voters+="${voters:+,}$n@127.0.0.1:$((port + 2 + n))"
        addresses+="${addresses:+,}127.0.0.1:$((port + n - 1))"
    done
    printf 'rootLogger.level=warn\nrootLogger.appenderRef.stdout.ref=out\nappender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%%d %%p %%c: %%m%%n\n' >"$dir/log4j2.properties"
    local java=(java -Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$lib/*")
    id=$("${java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -1)
    for n in $(seq "$brokers"); do
        cat >"$dir/server-$n.properties" <<X
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + n - 1)),PROXIED://127.0.0.1:$((port + 5 + n)),CONTROLLER://127.0.0.1:$((port + 2 + n))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port + n - 1)),PROXIED://127.0.0.1:$((port + 8 + n))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data-$n
num.partitions=${KAFKA_PARTITIONS:-24}
default.replication.factor=$copies
min.insync.replicas=$least
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$least
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$least
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.enable=false
log.retention.ms=-1
# An index is a file of its full length with a hole in it, and the kernel fills holes with zeros when it reads ahead: of 10 MB
# for each of some thousand, that is most of what a machine does.
log.index.size.max.bytes=262144
log.retention.bytes=${KAFKA_KEPT_BYTES:--1}
log.segment.bytes=$((64 << 20))
log.retention.check.interval.ms=5000
X
        "${java[@]}" kafka.tools.StorageTool format -g -t "$id" -c "$dir/server-$n.properties" >"$dir/format-$n.log" 2>&1 ||
            { say "cannot format:"; cat "$dir/format-$n.log" >&2; exit 1; }
        echo "$((port + n - 1)) $((port + 5 + n)) $((port + 8 + n))" >>"$dir/ports"
        launch "$dir" "$n"
    done
    for n in $(seq "$brokers"); do
        for _ in $(seq 600); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$((port + n - 1))") 2>/dev/null; then continue 2; fi
            kill -0 "$(cat "$dir/broker-$n.pid")" 2>/dev/null || { say "broker $n died:"; tail -20 "$dir/broker-$n.log" >&2; exit 1; }
            sleep 0.1
        done
        say "broker $n does not answer"
        exit 1
    done
    printf '%s\n' "$addresses"
}

stop() {
    local dir=$1 pid file
    for file in "$dir"/broker-*.pid; do
        [ -f "$file" ] || continue
        pid=$(cat "$file")
        # A number may have been given to somebody else since.
        if grep -qs timeout "/proc/$pid/cmdline"; then
            kill "$pid" 2>/dev/null || true
            # One that is left without the others waits for them for long. All of its session goes.
            for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
            kill -9 -- "-$pid" 2>/dev/null || true
        fi
        rm -f "$file"
    done
}

case ${1:-} in
start) mkdir -p "$2"; start "$(cd "$2" && pwd)" "${3:-1}" ;;
again) launch "$(cd "$2" && pwd)" "$3" ;;
stop) [ ! -d "$2" ] || stop "$(cd "$2" && pwd)" ;;
*) say "kafka.sh start DIR [BROKERS] | stop DIR | again DIR N"; exit 2 ;;
esac
