#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The web page: build/web/index.html, one file with everything in it, and the same gzipped. Needs npm; without it
# nothing is built, and the daemon answers at / as it does without a page.
set -eu
cd "$(dirname "$0")/../web"
if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
  echo "npm is missing: the page is not built"
  exit 0
fi
# The packages are fetched again only when the list of them has changed.
if ! cmp -s package-lock.json node_modules/.lock 2>/dev/null; then
  mkdir -p ../build/web
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >../build/web/npm.log 2>&1; then
    if grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT' ../build/web/npm.log; then
      echo "the npm registry is not reachable: the page is not built"
      exit 0
    fi
    cat ../build/web/npm.log >&2
    exit 1
  fi
  cp package-lock.json node_modules/.lock
fi
node_modules/.bin/tsc --noEmit -p .
exec node build.mjs
