#!/usr/bin/env bash
# The commands that docs/distributed.md gives for GNU parallel, against one process: many compressed files, and one stream in blocks.
#
#   tests/parallel/run.sh [EFFACE]        default: target/debug/efface, built when it is not there
#
# Where GNU parallel is not installed this is told in one line, and the test is skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

parallel --version 2>/dev/null | grep -q GNU || {
    printf 'parallel: skipped, GNU parallel is not installed\n'
    exit 0
}
efface=${1:-target/debug/efface}
[ -x "$efface" ] || cargo build --locked
PATH=$(dirname "$(realpath "$efface")"):$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p logs/a/b
for n in $(seq 1 6000); do
    printf '{"id":%s,"text":"write to user%s@example.org, or call +1 202 555 01%02d"}\n' "$n" "$n" "$((n % 100))"
done >all.jsonl
split -n l/5 -d --additional-suffix=.jsonl all.jsonl logs/a/part.
mv logs/a/part.03.jsonl logs/a/b/
gzip logs/a/*.jsonl logs/a/b/*.jsonl

efface redact --quiet logs -o one
find logs -name '*.jsonl.gz' -print0 | parallel -0 -j2 efface redact --quiet --jobs 1 {} -o many/{}
n=0
while IFS= read -r file; do
    cmp <(gzip -dc "$file") <(gzip -dc "many/logs/${file#one/}")
    n=$((n + 1))
done < <(find one -name '*.jsonl.gz')
[ "$n" -eq 5 ]

efface redact --quiet all.jsonl -o all.one.jsonl
parallel --pipe --block 64k --keep-order efface redact --quiet --format jsonl --jobs 1 <all.jsonl >all.many.jsonl
cmp all.one.jsonl all.many.jsonl
[ "$(wc -l <all.many.jsonl)" -eq 6000 ]
if grep -q '@example.org' all.many.jsonl; then
    printf 'a value stands in clear\n'
    exit 1
fi
printf 'parallel: %s files and a stream in blocks, the same as in one process\n' "$n"
