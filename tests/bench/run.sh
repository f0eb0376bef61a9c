#!/bin/bash
# Runs every bench; one line a number, and exit code 1 if a goal is missed.
# BENCH_ROUNDS: how often each is measured; the best counts.
cd "$(dirname "$0")" || exit 1
missed=0
for bench in startup validate steps output builds s3 cloudwatch; do
  bash "$bench.sh" || missed=1
done
exit "$missed"
