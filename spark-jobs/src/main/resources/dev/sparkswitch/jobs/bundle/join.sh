#!/bin/sh
# Checks the files beside it and unpacks SparkSwitch in the present folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && sha256sum --quiet -c SHA256SUMS >&2) || {
  echo "error: files of the bundle are missing or damaged: copy them again" >&2
  exit 3
}
cat "$here"/sparkswitch-*.tar.xz* | xz -dc | tar -xf -
echo "unpacked; try: sparkswitch/bin/sparkswitch --help"
