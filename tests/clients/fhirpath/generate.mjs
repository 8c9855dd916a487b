// Pairs for every row of the table: the row that has fewest gets the next. A pair that would make a row's results mostly empty or errors is not taken.
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';
import { Random } from './random.mjs';
import { Resource, resourceTypes } from './resources.mjs';
import { Expressions } from './expressions.mjs';
import { rows } from './rows.mjs';

const empty_share = 0.2, error_share = 0.15, pairs_a_resource = 25;

export function theirs(expression, resource) {
  try {
    const raw = fhirpath.evaluate(resource, expression, { resource, rootResource: resource }, r4, { resolveInternalTypes: false, preciseMath: true, traceFn: () => {} });
    const types = fhirpath.types(raw);
    return { result: fhirpath.resolveInternalTypes(raw).map((value, i) => ({ type: types[i], value: value === undefined ? null : value })) };
  } catch (e) {
    return { error: String(e.message ?? e).slice(0, 200) };
  }
}

export function generate(seed, wanted) {
  const random = new Random(seed);
  const tally = new Map(rows.map((r) => [`${r.kind} ${r.name}`, { pairs: 0, empty: 0, errors: 0, tries: 0 }]));
  const pairs = [], seen = new Set();
  let resource = null, missing = new Set();
  for (let n = 0; pairs.length < wanted; ++n) {
    if (n > wanted * 40) throw new Error(`only ${pairs.length} pairs after ${n} attempts`);
    if (n % pairs_a_resource === 0) {
      resource = new Resource(random, random.pick(Object.keys(resourceTypes)));
      missing = new Set();
    }
    const row = rows.filter((r) => !missing.has(r)).reduce((a, b) => (cost(tally, b) < cost(tally, a) ? b : a));
    const own = tally.get(`${row.kind} ${row.name}`);
    ++own.tries;
    const x = new Expressions(random, resource);
    let expression;
    try {
      expression = row.make(x);
    } catch (e) {
      if (!(e instanceof TypeError)) throw e;  // nothing of that type in this resource
    }
    if (!expression || /null|undefined/.test(expression)) {
      missing.add(row);  // has no place in this resource, and waits for another
      continue;
    }
    const copy = JSON.parse(JSON.stringify(resource.json));
    const answer = theirs(expression, copy);
    const key = `${expression} ${resource.json.id} ${n - (n % pairs_a_resource)}`;
    if (seen.has(key)) continue;
    const uses = [...x.used].map((u) => tally.get(u)).filter(Boolean);
    const empty = answer.result?.length === 0, error = 'error' in answer;
    if (empty && uses.some((u) => u.empty + 1 > 2 + u.pairs * empty_share)) continue;
    if (error && uses.some((u) => u.errors + 1 > 2 + u.pairs * error_share)) continue;
    for (const u of uses) {
      ++u.pairs;
      if (empty) ++u.empty;
      if (error) ++u.errors;
    }
    seen.add(key);
    pairs.push({ expression, resource: JSON.parse(JSON.stringify(resource.json)), theirs: answer, uses: [...x.used].filter((u) => tally.has(u)) });
  }
  return pairs;
}

function cost(tally, row) {
  const t = tally.get(`${row.kind} ${row.name}`);
  return t.pairs * 10 + t.tries / 10;
}
