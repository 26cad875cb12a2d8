// Shows the OpenAPI document that this page's own origin serves. Everything is written as text, never as markup.

/** An element with attributes and children; a string is text. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const code = (text) => element('code', {}, text);
const quiet = (text) => element('span', { class: 'quiet' }, text);

/** A schema as its type: a link to a named one, else its JSON. */
function typeOf(schema) {
  const name = schema?.$ref?.split('/').at(-1);
  if (name) return element('a', { href: `#schema-${name}` }, name);
  return element('pre', {}, JSON.stringify(schema, null, 2));
}

function parametersOf(parameters) {
  if (parameters.length === 0) return [];
  const rows = parameters.map(({ name, in: place, required, description = '' }) =>
    element(
      'tr',
      {},
      element('td', {}, code(name)),
      element('td', {}, `${place}${required ? '' : ', optional'}`),
      element('td', {}, description),
    ),
  );
  return [element('h4', {}, 'Parameters'), element('table', {}, element('tbody', {}, ...rows))];
}

function contentOf(content = {}) {
  return Object.entries(content).flatMap(([mediaType, { schema }]) => [code(mediaType), ' ', typeOf(schema)]);
}

function operationOf(method, path, operation) {
  const body = operation.requestBody
    ? [element('h4', {}, 'Body'), element('p', {}, ...contentOf(operation.requestBody.content))]
    : [];
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) =>
    element(
      'tr',
      {},
      element('td', {}, code(status)),
      element('td', {}, description),
      element('td', {}, ...contentOf(content)),
    ),
  );
  return element(
    'details',
    { id: operation.operationId },
    element(
      'summary',
      {},
      element('span', { class: 'method' }, method.toUpperCase()),
      code(path),
      ' ',
      quiet(operation.summary),
    ),
    element('p', {}, operation.description ?? 'Anyone may.'),
    ...parametersOf(operation.parameters),
    ...body,
    element('h4', {}, 'Answers'),
    element('table', {}, element('tbody', {}, ...answers)),
  );
}

function schemaOf([name, schema]) {
  return element(
    'details',
    { id: `schema-${name}` },
    element('summary', {}, code(name)),
    element('pre', {}, JSON.stringify(schema, null, 2)),
  );
}

/** A link to something that is folded opens it. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName !== 'DETAILS') return;
  target.open = true;
  target.scrollIntoView();
}

function show(main, { info, paths, components }) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag] = operation.tags;
      groups.set(tag, [...(groups.get(tag) ?? []), operationOf(method, path, operation)]);
    }
  }
  const sections = [...groups].flatMap(([tag, operations]) => [element('h2', {}, tag), ...operations]);
  const named = Object.entries(components.schemas).map(schemaOf);
  main.replaceChildren(
    element('h1', {}, info.title),
    element('p', {}, info.description),
    element('p', {}, element('a', { href: '/openapi.json' }, 'openapi.json')),
    ...sections,
    element('h2', {}, 'Schemas'),
    ...named,
  );
  main.setAttribute('aria-busy', 'false');
  openTarget();
}

const main = document.getElementById('document');
try {
  const response = await fetch('/openapi.json');
  show(main, await response.json());
} catch (error) {
  main.replaceChildren(element('p', { role: 'alert' }, `The document cannot be read: ${error.message}`));
}
addEventListener('hashchange', openTarget);
