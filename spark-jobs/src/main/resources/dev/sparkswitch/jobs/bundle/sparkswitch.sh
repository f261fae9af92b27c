#!/bin/sh
# Runs SparkSwitch's own commands with the Java runtime beside it; commands that need Spark are not for this host.
#
#   SPARKSWITCH_JAVA_OPTIONS  further options of java, blank-separated, such as "-Xmx8g"
#   SPARKSWITCH_CACHE         a folder for unpacked libraries and compiled kernels; by default in this installation
set -eu
home=$(dirname "$(dirname "$(readlink -f "$0")")")
cache=${SPARKSWITCH_CACHE:-$home/cache}
if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
  cache=${TMPDIR:-/tmp}/sparkswitch-cache
  mkdir -p "$cache"
fi
# The CUDA toolkit is often where the loader does not look.
for folder in /usr/local/cuda/lib64; do
  [ ! -d "$folder" ] || LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export SPARKSWITCH_HOME="$home" LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
# shellcheck disable=SC2086 # the words of SPARKSWITCH_JAVA_OPTIONS are options of their own
exec "$home/runtime/bin/java" --add-modules=jdk.incubator.vector --add-opens=java.base/java.nio=ALL-UNNAMED \
  -Dorg.bytedeco.javacpp.cachedir="$cache" -Dsparkswitch.kernels="$cache/kernels" \
  -Dsparkswitch.log="$cache/sparkswitch.log" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -Dorg.slf4j.simpleLogger.log.dev.sparkswitch=info -Dorg.slf4j.simpleLogger.showThreadName=false \
  -Dorg.slf4j.simpleLogger.showShortLogName=true \
  ${SPARKSWITCH_JAVA_OPTIONS:-} -cp "$home/lib/*" dev.sparkswitch.jobs.Main "$@"
