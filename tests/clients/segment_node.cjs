// @segment/analytics-node as an application uses it: node segment_node.cjs URL KEY NAME COUNT
const { Analytics } = require('@segment/analytics-node');

const [url, key, name, count] = process.argv.slice(2);

async function main() {
  const client = new Analytics({ writeKey: key, host: url, maxEventsInBatch: 3, flushInterval: 50, maxRetries: 8, httpRequestTimeout: 1000 });
  client.on('error', () => {});
  client.track({ anonymousId: `${name} device`, event: name, properties: { n: -1 } });
  client.identify({ userId: `${name} user`, anonymousId: `${name} device`, traits: { plan: 'pro' } });
  for (let n = 0; n < Number(count); n++) client.track({ userId: `${name} user`, event: name, properties: { n } });
  await client.closeAndFlush();
}

main();
