#!/bin/sh
# Sign statements with openssl and submit them with curl: no other tool is needed.
#
#   declare.sh SERVER KEY.key STATEMENT.json...
#
# KEY.key is an Ed25519 key of “catchment keygen”; beside it lies KEY.json, which says whom it
# speaks for and to which log. What was signed, and the receipts, are saved beside the statements.
set -eu

server=${1:?is the address of a server} key=${2:?is a key file}
shift 2
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2"; }

about="${key%.key}.json"
header=$(printf '{"alg":"EdDSA","kid":"%s","typ":"catchment-statement"}' "$(member kid "$about")")

for statement in "$@"; do
  # What every statement says first: to which log, by whom, when, and once only.
  common=$(printf '{"v":1,"log":{"origin":"%s","genesis":"%s"},"jti":"%s","iat":%s,"iss":"%s","subject":"%s",' \
    "$(member origin "$about")" "$(member genesis "$about")" "$(openssl rand 18 | base64url)" \
    "$(date +%s)" "$(member enterprise "$about")" "$(member enterprise "$about")")
  payload="$common$(sed '1s/^{//' "$statement")"

  printf '%s.%s' "$(printf %s "$header" | base64url)" "$(printf %s "$payload" | base64url)" >"$work/input"
  openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/input" -out "$work/signature"
  printf '%s.%s' "$(cat "$work/input")" "$(base64url <"$work/signature")" >"${statement%.json}.jws"

  status=$(curl -sS -o "$work/answer" -w '%{http_code}' -H 'Content-Type: application/jose' \
    --data-binary @"${statement%.json}.jws" "$server/v1/statements")
  case $status in
    200 | 201)
      printf %b "$(member receipt "$work/answer")" >"${statement%.json}.tlog-proof"
      echo "$statement: entry $(sed 's/.*"index": *\([0-9]*\).*/\1/' "$work/answer")"
      ;;
    *) cat "$work/answer" >&2; echo >&2; exit 1 ;;
  esac
done
