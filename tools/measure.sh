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

# Times commands in turn, five rounds (`ROUNDS`), so that what else the machine does falls on all of them, and prints of each the median
# of the wall clock, the rate, the peak of memory and the processor's time. Before a round the input is read once. Usage:
# `rounds INPUT OUTPUT NAME COMMAND... :: NAME COMMAND...`
rounds() {
    python3 - "$@" <<'END'
import os, statistics, subprocess, sys, time
given, out, *rest = sys.argv[1:]
commands, own = [], []
for word in rest + ["::"]:
    if word == "::":
        commands.append((own[0], own[1:], []))
        own = []
    else:
        own.append(word)
n = os.path.getsize(given) if os.path.isfile(given) else 0
for _ in range(int(os.environ.get("ROUNDS", "5"))):
    for name, command, seen in commands:
        if n:
            subprocess.run(["cat", given], stdout=subprocess.DEVNULL, check=True)
        with open(out, "wb") as file:
            start = time.monotonic()
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
        code = os.waitstatus_to_exitcode(status)
        seen.append((seconds, usage.ru_maxrss / 1000, usage.ru_utime + usage.ru_stime, code))
for name, _, seen in commands:
    seconds, memory, processor, code = (statistics.median(column) for column in zip(*seen))
    least, most = min(row[0] for row in seen), max(row[0] for row in seen)
    rate = f"{n / seconds / 1e6:7.0f} MB/s" if n else " " * 12
    print(f"{name:<34} {seconds:7.2f} s ({least:.2f} .. {most:.2f}) {rate}  {memory:6.0f} MB  {processor:7.2f} s of CPU  exit {code:.0f}")
END
}

for text in chat envelope; do
    ending=txt
    [ "$text" = envelope ] && ending=jsonl
    file=$work/$text.$ending
    [ -f "$file" ] || "$measure" text "$text" "$bytes" >"$file"
    if command -v rg >/dev/null 2>&1; then
        pattern=$(cut -f 2 benches/baseline.tsv | sed 's/.*/(?:&)/' | paste -sd '|')
        baseline=("$text: rg --passthru" rg --no-unicode --passthru --no-line-number -r '[PII]' "$pattern" "$file")
    else
        baseline=("$text: regex, 25 expressions" "$measure" replace "$file")
    fi
    # `--jobs 1` still has threads that read and write; one core is one core.
    rounds "$file" "$work/out" "${baseline[@]}" \
        :: "$text: redact, two cores" taskset -c 0,1 "$efface" redact --quiet --jobs 2 "$file" \
        :: "$text: redact, one core" taskset -c 0 "$efface" redact --quiet --jobs 2 "$file"
done

gzip -1 -k -f "$work/chat.txt"
rounds "$work/chat.txt.gz" "$work/out" "chat.gz: gzip -dc" gzip -dc "$work/chat.txt.gz" \
    :: "chat.gz: redact" "$efface" redact --quiet --jobs 2 "$work/chat.txt.gz"
rm -f "$work/chat.txt.gz"

tr '\n' ' ' <"$work/chat.txt" >"$work/line.txt"
rounds "$work/line.txt" "$work/out" "one line without end" "$efface" redact --quiet "$work/line.txt"
rm -f "$work/line.txt"

if [ "${MANY:-1}" = 1 ]; then
    mkdir -p "$work/many"
    split -l 1 -a 5 -d --additional-suffix=.txt <(head -n 100000 "$work/chat.txt") "$work/many/"
    ROUNDS=1 rounds "$work/many" "$work/out" "100,000 files" sh -c 'rm -rf "$2" && exec "$0" redact --quiet "$1" -o "$2"' \
        "$efface" "$work/many" "$work/many.clean"
    [ "$(find "$work/many.clean" -name '*.txt' | wc -l)" -eq 100000 ]
    rm -rf "$work/many" "$work/many.clean"
fi
