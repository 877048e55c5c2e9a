#!/usr/bin/env bash
# Redacts the same JSON Lines on one machine and on Spark in local mode, and compares what comes out, sorted.
#
#   tests/spark/run.sh [EFFACE]        default: target/debug/efface, built when it is not there
#
# Needs Python 3, Java and PySpark; PySpark is installed from PyPI into a folder of its own (EFFACE_SPARK, by default
# target/spark) and stays there. What is missing is told in one line, and the test is skipped; with EFFACE_REQUIRE_SPARK=1
# it fails instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
    printf "spark: skipped, %s\n" "$1"
    [ "${EFFACE_REQUIRE_SPARK:-0}" = 1 ] && exit 1
    exit 0
}

command -v python3 >/dev/null 2>&1 || skip "python3 is not installed"
command -v java >/dev/null 2>&1 || skip "java is not installed"
efface=${1:-target/debug/efface}
[ -x "$efface" ] || cargo build --locked
efface=$(realpath "$efface")

home=${EFFACE_SPARK:-target/spark}
python=$home/bin/python
if ! "$python" -c 'import pyspark' >/dev/null 2>&1; then
    python3 -m venv "$home" >/dev/null 2>&1 || skip "python3 cannot make a venv"
    for try in 1 2 3; do
        "$home/bin/pip" install --quiet --disable-pip-version-check 'pyspark==3.5.6' >/dev/null 2>&1 && break
        [ "$try" -lt 3 ] || skip "PySpark cannot be installed"
        sleep 5
    done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$work/in.jsonl" <<'END'
import json, random, sys
random.seed(20261122)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    for n in range(20000):
        text = random.choice([
            f"write to user{n}@example.org soon",
            f"call +1 202 555 01{n % 100:02}",
            "nothing to see here, caf\u00e9",
            "from 192.0.2.%d" % (n % 256),
        ])
        file.write(json.dumps({"id": n, "text": text, "at": {"x": [n, None, 1.5]}}, ensure_ascii=n % 2 == 0) + "\n")
END

"$efface" redact --quiet "$work/in.jsonl" -o "$work/one.jsonl"
export SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON=$python
"$python" tests/spark/pipe.py "$efface" "$work/in.jsonl" "$work/many" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log"
    printf 'spark: failed\n'
    exit 1
}
LC_ALL=C sort "$work/one.jsonl" >"$work/one.sorted"
cat "$work"/many/part-* | LC_ALL=C sort >"$work/many.sorted"
cmp "$work/one.sorted" "$work/many.sorted"
n=$(wc -l <"$work/many.sorted")
partitions=$(find "$work/many" -name 'part-*' | wc -l)
[ "$n" -eq 20000 ]
if grep -q '@example.org' "$work/many.sorted"; then
    printf 'a value stands in clear\n'
    exit 1
fi
printf 'spark: %s records in %s partitions, the same as on one machine\n' "$n" "$partitions"
