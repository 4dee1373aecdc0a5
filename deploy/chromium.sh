#!/bin/sh
# Finds a Chromium for the tests in a browser, or installs Debian's where that is possible.
# Without one those tests are skipped, and say so.
set -eu

for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing chromium for the browser tests"
  log=$(mktemp)
  if apt-get update -qq >"$log" 2>&1 \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      chromium fonts-noto-cjk >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -5 "$log"
  rm -f "$log"
fi
echo "NO BROWSER: there is no Chromium here, the tests in a browser will be skipped" >&2
