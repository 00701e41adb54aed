#!/bin/sh
# Compare offers by their carbon; prints the answer as it is, JSON.
#
#   CLIENT_ID=… CLIENT_SECRET=… compare.sh SERVER OFFERS.json
set -eu

server=${1:?is the address of a server} offers=${2:?is a file of offers}

granted=$(curl -sS --fail-with-body -u "$CLIENT_ID:$CLIENT_SECRET" \
  -d grant_type=client_credentials "$server/auth/token") || { echo "$granted" >&2; exit 1; }
token=$(echo "$granted" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')

curl -sS --fail-with-body -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  --data-binary @"$offers" "$server/v1/comparisons"
echo
