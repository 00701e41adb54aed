#!/bin/sh
# Read every PACT footprint that the client may read, page by page.
#
#   CLIENT_ID=… CLIENT_SECRET=… footprints.sh SERVER [FILTER=VALUE...]
set -eu

server=${1:?is the address of a server}
shift
headers=$(mktemp)
trap 'rm "$headers"' EXIT

granted=$(curl -sS --fail-with-body -u "$CLIENT_ID:$CLIENT_SECRET" \
  -d grant_type=client_credentials "$server/auth/token") || { echo "$granted" >&2; exit 1; }
token=$(echo "$granted" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')

url="$server/3/footprints?$(IFS='&' && echo "$*")"

while [ -n "$url" ]; do
  curl -sS --fail-with-body -D "$headers" -H "Authorization: Bearer $token" "$url"
  echo
  url=$(tr -d '\r' <"$headers" | sed -n 's/^[Ll]ink: <\([^>]*\)>; rel="next".*/\1/p')
done
