#!/usr/bin/env bash
# Measures `efface redact` on big files: time against a pass of 25 ordinary expressions over the same bytes, one core against
# two, gzip against bare decompression, and memory. Prints one line for each; docs/measured.md has the figures.
#
#   tools/measure.sh [BYTES] [FOLDER]        default: 1 GB, in a folder of /tmp that is removed
#
# `rg` is used where it is installed; else a program of ours that does the same with the regex crate (examples/measure.rs).
set -euo pipefail
cd "$(dirname "$0")/.."

bytes=${1:-1000000000}
if [ $# -gt 1 ]; then
    work=$2
    mkdir -p "$work"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
cargo build --release --locked --bin efface --example measure
efface=target/release/efface
measure=target/release/examples/measure

# Seconds and peak memory of a command; its output goes to a file.
run() {
    local name=$1 out=$2
    shift 2
    sync
    python3 - "$name" "$out" "$bytes" "$@" <<'END'
import os, resource, subprocess, sys, time
name, out, n, *command = sys.argv[1:]
best = None
for _ in range(3):
    start = time.monotonic()
    with open(out, "wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if best is None or seconds < best[0]:
        best = (seconds, usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status))
print(f"{name:<34} {best[0]:7.2f} s  {int(n) / best[0] / 1e6:7.0f} MB/s  {best[1]:6.0f} MB  {best[2]:7.2f} s of CPU  exit {best[3]}")
END
}

for text in chat envelope; do
    ending=txt
    [ "$text" = envelope ] && ending=jsonl
    file=$work/$text.$ending
    [ -f "$file" ] || "$measure" text "$text" "$bytes" >"$file"
    if command -v rg >/dev/null 2>&1; then
        pattern=$(cut -f 2 benches/baseline.tsv | sed 's/.*/(?:&)/' | paste -sd '|')
        run "$text: rg --passthru" "$work/out" rg --no-unicode --passthru --no-line-number -r '[PII]' "$pattern" "$file"
    else
        run "$text: regex, 25 expressions" "$work/out" "$measure" replace "$file"
    fi
    run "$text: redact, 2 threads" "$work/out" "$efface" redact --quiet --jobs 2 "$file"
    run "$text: redact, 1 thread" "$work/out" "$efface" redact --quiet --jobs 1 "$file"
done

gzip -1 -k -f "$work/chat.txt"
run "chat.gz: gzip -dc" "$work/out" gzip -dc "$work/chat.txt.gz"
run "chat.gz: redact to plain text" "$work/out" "$efface" redact --quiet --jobs 2 "$work/chat.txt.gz"
rm -f "$work/chat.txt.gz"

tr '\n' ' ' <"$work/chat.txt" >"$work/line.txt"
run "one line without end" "$work/out" "$efface" redact --quiet "$work/line.txt"
rm -f "$work/line.txt"

if [ "${MANY:-1}" = 1 ]; then
    mkdir -p "$work/many"
    split -l 1 -a 5 -d --additional-suffix=.txt <(head -n 100000 "$work/chat.txt") "$work/many/"
    rm -rf "$work/many.clean"
    run "100,000 files" "$work/out" "$efface" redact --quiet "$work/many" -o "$work/many.clean"
    [ "$(find "$work/many.clean" -name '*.txt' | wc -l)" -eq 100000 ]
    rm -rf "$work/many" "$work/many.clean"
fi
