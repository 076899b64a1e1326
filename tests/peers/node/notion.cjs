// Notion's own JavaScript client at an address: what it makes of the answers, as JSON.
const notion = require('@notionhq/client');

const [mode, ...rest] = process.argv.slice(2);
const full = { page: notion.isFullPage, data_source: notion.isFullDataSource, user: notion.isFullUser };

async function read(url, token, home, source) {
  const client = new notion.Client({ auth: token, baseUrl: url, notionVersion: '2026-03-11', retry: false });
  const me = await client.users.me({});
  const found = await client.search({ page_size: 100 });
  const rows = await notion.collectPaginatedAPI(client.dataSources.query, {
    data_source_id: source,
    filter: { property: 'Cost', number: { greater_than: 1 } },
    sorts: [{ property: 'Cost', direction: 'descending' }],
    page_size: 1
  });
  const schema = await client.dataSources.retrieve({ data_source_id: source });
  const text = await client.pages.retrieveMarkdown({ page_id: home });
  const children = await notion.collectPaginatedAPI(client.blocks.children.list, { block_id: home, page_size: 1 });
  const comments = await client.comments.list({ block_id: home });
  const users = await notion.collectPaginatedAPI(client.users.list, { page_size: 1 });
  return {
    me: me.type,
    full: found.results.every((each) => full[each.object](each)) && users.every(notion.isFullUser),
    blocks: children.every(notion.isFullBlock) && children.map((each) => each.type),
    found: found.results.length,
    rows: rows.map((each) => each.properties.Name.title.map((piece) => piece.plain_text).join('')),
    columns: Object.values(schema.properties).map((each) => each.type).sort(),
    text: text.markdown,
    comments: comments.results.every(notion.isFullComment) && comments.results.length
  };
}

async function write(url, token, home, source) {
  const client = new notion.Client({ auth: token, baseUrl: url, notionVersion: '2026-03-11', retry: false });
  const title = (words) => ({ title: [{ text: { content: words } }] });
  const page = await client.pages.create({
    parent: { page_id: home }, properties: { title: title('From the client') }, markdown: '# One\ntwo'
  });
  const row = await client.pages.create({
    parent: { data_source_id: source }, properties: { Name: title('A row'), Cost: { number: 9 } }
  });
  await client.pages.update({ page_id: row.id, properties: { Cost: { number: 10 } } });
  await client.pages.updateMarkdown({
    page_id: page.id, type: 'update_content', update_content: { content_updates: [{ old_str: 'two', new_str: 'three' }] }
  });
  await client.pages.move({ page_id: page.id, parent: { type: 'data_source_id', data_source_id: source } });
  const comment = await client.comments.create({ parent: { page_id: home }, rich_text: [{ text: { content: 'Hi' } }] });
  const answer = await client.comments.create({
    discussion_id: comment.discussion_id, rich_text: [{ text: { content: 'Hi again' } }]
  });
  await client.pages.update({ page_id: row.id, in_trash: true });
  const trashed = await client.pages.retrieve({ page_id: row.id });
  return { page: page.id, row: row.id, trashed: trashed.in_trash, answered: answer.discussion_id === comment.discussion_id };
}

async function fail(url, token, home) {
  const client = new notion.Client({ auth: token, baseUrl: url, notionVersion: '2026-03-11', retry: false });
  try {
    await client.pages.retrieve({ page_id: home });
    return { code: 'none' };
  } catch (error) {
    return { api: notion.APIResponseError.isAPIResponseError(error), code: error.code, status: error.status,
      reason: error.additional_data?.rate_limit_reason, request: typeof error.request_id };
  }
}

async function exchange(url, clientId, secret, code, redirectUri) {
  const client = new notion.Client({ baseUrl: url, notionVersion: '2026-03-11', retry: false });
  const known = { client_id: clientId, client_secret: secret };
  const given = await client.oauth.token({ ...known, grant_type: 'authorization_code', code, redirect_uri: redirectUri });
  const renewed = await client.oauth.token({ ...known, grant_type: 'refresh_token', refresh_token: given.refresh_token });
  const before = await client.oauth.introspect({ ...known, token: renewed.access_token });
  await client.oauth.revoke({ ...known, token: renewed.access_token });
  const after = await client.oauth.introspect({ ...known, token: renewed.access_token });
  return { type: given.token_type, another: given.access_token !== renewed.access_token, before: before.active,
    after: after.active };
}

({ read, write, fail, exchange })[mode](...rest).then((found) => console.log(JSON.stringify(found)), (error) => {
  console.error(error);
  process.exit(1);
});
