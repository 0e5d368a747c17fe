#!/bin/sh
# Submits the job to the JobManager, unless it runs already. SAVEPOINT=PATH resumes from there.
set -eu
config=${CONFIG:-/etc/kairos/kairos.yaml}
name=$(python -c 'import sys; from flink_job.config import load_config; print(load_config(sys.argv[1]).job.name)' "$config")
if flink list --running | grep -qF " : $name ("; then
  echo "$name runs already"
  exit 0
fi
exec flink run --detached ${SAVEPOINT:+--fromSavepoint "$SAVEPOINT"} --pyModule flink_job.main --config "$config"
