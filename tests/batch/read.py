"""Reads the files of a folder as anybody would, without efface: unpacks, decodes, parses.

    python3 read.py FOLDER

A file is called NAME.FORMAT[.PACKING], and NAME begins with its encoding: `utf-16le-lf.jsonl.gz`. Prints a JSON line for
each: its name, its text, its records; or the name and `"skipped"` where no reader for it is installed.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
import sys

ENCODINGS = ["utf-8-sig", "utf-8", "utf-16le", "utf-16be", "latin1"]


def unpack(path, ending):
    readers = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    if ending in readers:
        with readers[ending](path) as file:
            return file.read()
    if ending in ("zst", "lz4"):
        program = {"zst": "zstd", "lz4": "lz4"}[ending]
        if shutil.which(program) is None:
            return None
        return subprocess.run([program, "-dc", path], check=True, capture_output=True).stdout
    with open(path, "rb") as file:
        return file.read()


def records(text, kind):
    text = text.lstrip("\ufeff")
    if kind == "json":
        return [json.loads(text)]
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if kind in ("csv", "tsv"):
        return list(csv.reader(io.StringIO(text, newline=""), delimiter="," if kind == "csv" else "\t"))
    return text.splitlines()


def main():
    folder = sys.argv[1]
    for name in sorted(os.listdir(folder)):
        parts = name.split(".")
        data = unpack(os.path.join(folder, name), parts[2] if len(parts) > 2 else "")
        if data is None:
            print(json.dumps({"name": name, "skipped": True}))
            continue
        encoding = next(known for known in ENCODINGS if name.startswith(known))
        if encoding == "utf-8-sig":
            assert data.startswith(b"\xef\xbb\xbf"), name
            encoding = "utf-8"
        text = data.decode(encoding)
        print(json.dumps({"name": name, "text": text, "records": records(text, parts[1])}))


main()
