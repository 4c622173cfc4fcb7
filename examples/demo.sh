#!/bin/sh
# demo.sh [LUA]: starts a sandbox with a made-up bank, runs quickstart.lua against it, stops the sandbox.
# It finds the programs and modules through PATH, LUA_PATH and LUA_CPATH: eval "$(make -s env)" sets them.
set -eu
lua=${1:-lua5.4}
examples=$(cd "$(dirname "$0")" && pwd)

folder=$(mktemp -d)
service=
stop() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

mkfifo "$folder/output"
finseg-sandbox --port 0 --users 200 --seed 7 --delay 1 --client-id demo --client-secret demo-secret \
  >"$folder/output" &
service=$!
exec 3<"$folder/output"
read -r _ _ url <&3 # listening on URL
echo "A sandbox with 200 made-up users listens on $url; $lua runs examples/quickstart.lua:"
echo

# Whatever account the shell is set up for has no business here.
unset FINSEG_TOKEN_URL FINSEG_ACCESS_TOKEN FINSEG_CA_FILE
FINSEG_BASE_URL="$url/api/v1" FINSEG_CLIENT_ID=demo FINSEG_CLIENT_SECRET=demo-secret \
  "$lua" "$examples/quickstart.lua"
