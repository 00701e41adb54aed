// Sign statements and submit them, with nothing but Node.js 18 or later.
//
//   node declare.mjs SERVER KEY.key STATEMENT.json...
//
// KEY.key is a key of “catchment keygen”; beside it lies KEY.json, which says whom it speaks for and
// to which log. What was signed, and the receipts, are saved beside the statements.
import { createPrivateKey, randomBytes, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const [server, keyFile, ...statements] = process.argv.slice(2);
if (!statements.length) throw new Error("Usage: node declare.mjs SERVER KEY.key STATEMENT.json...");
const key = createPrivateKey(readFileSync(keyFile));
const about = JSON.parse(readFileSync(keyFile.replace(/\.key$/, ".json"), "utf8"));
const base64url = (data) => Buffer.from(data).toString("base64url");

for (const file of statements) {
  const payload = {
    v: 1,
    log: { origin: about.origin, genesis: about.genesis },
    jti: base64url(randomBytes(18)),
    iat: Math.floor(Date.now() / 1000),
    iss: about.enterprise,
    subject: about.enterprise,
    // Amounts are strings, so nothing is lost when JavaScript reads them.
    ...JSON.parse(readFileSync(file, "utf8")),
  };
  const header = { alg: "EdDSA", kid: about.kid, typ: "catchment-statement" };
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  const envelope = `${input}.${base64url(sign(null, Buffer.from(input), key))}`;

  const response = await fetch(`${server}/v1/statements`, {
    method: "POST",
    headers: { "Content-Type": "application/jose" },
    body: envelope,
  });
  const answer = await response.json();
  if (!response.ok) {
    // A problem document (RFC 9457): what is wrong, where, and what to do next.
    console.error(`${file}: ${answer.detail} ${answer.where ?? ""} ${answer.advice ?? ""}`);
    process.exit(1);
  }
  writeFileSync(file.replace(/\.json$/, ".jws"), envelope);
  writeFileSync(file.replace(/\.json$/, ".tlog-proof"), answer.receipt);
  console.log(`${file}: entry ${answer.index}`);
}
