// posthog-node as an application uses it: node posthog_node.cjs URL KEY NAME COUNT
const { PostHog } = require('posthog-node');

const [url, key, name, count] = process.argv.slice(2);

async function main() {
  const client = new PostHog(key, { host: url, flushAt: 3, flushInterval: 50, fetchRetryCount: 8, fetchRetryDelay: 100, requestTimeout: 1000 });
  client.on('error', () => {});
  const anonymous = '01890a5d-ac96-774b-bcce-b302099a8057';
  client.capture({ distinctId: anonymous, event: name, properties: { n: -1 } });
  client.identify({ distinctId: `${name} user`, properties: { $set: { plan: 'pro' }, $anon_distinct_id: anonymous } });
  for (let n = 0; n < Number(count); n++) client.capture({ distinctId: `${name} user`, event: name, properties: { n } });
  await client.shutdown(30000);
}

main();
