#!/bin/sh
# Check the signature of a webhook that was saved, with openssl.
#
#   WEBHOOK_SECRET=whsec_… webhook.sh HEADERS BODY
#
# HEADERS has a line “name: value” for each header; BODY is the body, byte for byte. Who receives
# webhooks also looks at the time, and refuses what was signed more than five minutes ago.
set -eu

headers=${1:?is a file of headers} body=${2:?is a file with a body}
header() {
  tr -d '\r' <"$headers" | awk -v name="$1:" 'tolower($1) == name { sub(/^[^:]*: */, ""); print }'
}

id=$(header webhook-id) timestamp=$(header webhook-timestamp)
key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')

mac=$({ printf '%s.%s.' "$id" "$timestamp"; cat "$body"; } \
  | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

# While a secret is exchanged both sign: one of them is enough.
for signature in $(header webhook-signature); do
  if [ "$signature" = "v1,$mac" ]; then
    echo "Genuine: event $id, signed at $timestamp (seconds since 1970)"
    exit 0
  fi
done
echo "Not made with this secret, or not of these bytes" >&2
exit 1
