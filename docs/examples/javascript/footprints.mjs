// Read every PACT footprint that the client may read, page by page.
//
//   CLIENT_ID=… CLIENT_SECRET=… node footprints.mjs SERVER [FILTER=VALUE...]
const [server, ...filters] = process.argv.slice(2);
if (!server) throw new Error("Usage: node footprints.mjs SERVER [FILTER=VALUE...]");
const { CLIENT_ID, CLIENT_SECRET } = process.env;

async function answered(response) {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message ?? answer.error_description ?? response.status);
  return answer;
}

const { access_token: token } = await answered(
  await fetch(`${server}/auth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  }),
);

const query = new URLSearchParams(filters.map((each) => each.split(/=(.*)/s).slice(0, 2)));
let next = `${server}/3/footprints?${query}`;
while (next) {
  const response = await fetch(next, { headers: { Authorization: `Bearer ${token}` } });
  const { data } = await answered(response);
  for (const { productNameCompany, status, pcf } of data) {
    // For the whole declared unit: amount × unit.
    const unit = `${pcf.declaredUnitAmount} ${pcf.declaredUnitOfMeasurement}`;
    console.log(`${productNameCompany}: ${pcf.pcfExcludingBiogenicUptake} kg CO2e per ${unit} (${status})`);
  }
  next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
}
