// Receive webhooks, check their signatures, and print the events, with nothing but Node.js.
//
//   WEBHOOK_SECRET=whsec_… node webhook.mjs PORT
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const [port] = process.argv.slice(2);
if (!port || !process.env.WEBHOOK_SECRET) throw new Error("Usage: WEBHOOK_SECRET=whsec_… node webhook.mjs PORT");
const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_SECONDS = 300;
const LARGEST_BODY = 1 << 20;

// Whether somebody who has the key signed these bytes within the last minutes.
function isGenuine(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${mac}`);
  // While a secret is exchanged both sign: one of them is enough.
  return (headers["webhook-signature"] ?? "")
    .split(" ")
    .map((each) => Buffer.from(each))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

createServer(async (request, response) => {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > LARGEST_BODY) return response.writeHead(413, { Connection: "close" }).end();
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces); // the bytes as they came: what was parsed is not what was signed
  if (request.method !== "POST" || !isGenuine(request.headers, body)) {
    return response.writeHead(401).end();
  }
  // Answer first, work afterwards. The same webhook-id may come twice: it is one event.
  response.writeHead(204).end();
  const event = JSON.parse(body);
  console.log(event.type, JSON.stringify(event.data));
}).listen(Number(port), "127.0.0.1");
