// Compare offers by their carbon.
//
//   CLIENT_ID=… CLIENT_SECRET=… node compare.mjs SERVER OFFERS.json
import { readFileSync } from "node:fs";

const [server, offers] = process.argv.slice(2);
if (!offers) throw new Error("Usage: node compare.mjs SERVER OFFERS.json");
const { CLIENT_ID, CLIENT_SECRET } = process.env;

async function answered(response) {
  const answer = await response.json();
  if (response.ok) return answer;
  // A problem document (RFC 9457), or the error of OAuth.
  const { detail, where, advice, error_description, error } = answer;
  console.error([detail ?? error_description ?? error, where, advice].filter(Boolean).join(" "));
  process.exit(1);
}

const { access_token: token } = await answered(
  await fetch(`${server}/auth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  }),
);

const compared = await answered(
  await fetch(`${server}/v1/comparisons`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: readFileSync(offers),
  }),
);

for (const { label, verdict, facts, reasons } of compared.offers) {
  // null is “not known” or “not shown”, and never zero. Numbers are strings, so nothing is lost.
  const value = facts?.value == null ? "–" : `${facts.value} kg CO2e per ${compared.unit}`;
  console.log(`${label}: ${verdict}, ${value}`);
  for (const { code, sentence } of reasons) console.log(`  ${code}: ${sentence}`);
}
console.log(`First of those that pass: ${compared.first ?? "none"}`);
