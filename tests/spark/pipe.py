"""Redacts JSON Lines on Spark: every partition goes through one process of efface, on its standard input and output.

    spark-submit pipe.py EFFACE INPUT OUTPUT [ARGUMENT...]

`ARGUMENT...` goes to `efface redact`. A process that ends with another code than 0 fails its task: with 3, something was
quarantined, and what stands in its place tells why.
"""

import shlex
import sys

from pyspark.sql import SparkSession


def main():
    efface, source, target, *arguments = sys.argv[1:]
    spark = SparkSession.builder.appName("efface").getOrCreate()
    command = shlex.join([efface, "redact", "--quiet", "--format", "jsonl", "--jobs", "1", *arguments])
    lines = spark.sparkContext.textFile(source, minPartitions=4)
    lines.pipe(command, checkCode=True).saveAsTextFile(target)
    spark.stop()


main()
