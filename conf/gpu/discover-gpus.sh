#!/usr/bin/env bash
# Tells Spark which GPUs this host has: spark.worker.resource.gpu.discoveryScript and
# spark.executor.resource.gpu.discoveryScript point here (see conf/spark/gpu.conf).
set -u
indices=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | tr -d ' \r') || indices=
addresses=
for index in $indices; do
  addresses=$addresses${addresses:+,}\"$index\"
done
printf '{"name":"gpu","addresses":[%s]}\n' "$addresses"
