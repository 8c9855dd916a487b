// When two outcomes are the same: both errors, or the same items in the same order. Numbers to 8 digits after the point (N1, 2.1: the least that Decimal must hold).

function sameNumber(a, b) {
  const x = Number(a), y = Number(b);
  return x === y || Math.abs(x - y) <= 1e-8 * Math.max(1, Math.abs(x));
}

function sameJson(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return sameNumber(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => sameJson(v, b[i]));
  if (a && b && typeof a === 'object' && typeof b === 'object') {
    const keys = Object.keys(a).sort(), others = Object.keys(b).sort();
    return keys.length === others.length && keys.every((k, i) => k === others[i] && sameJson(a[k], b[k]));
  }
  return a === b;
}

// "1.50 'kg'" and "1.5 'kg'" are one quantity, and so are "4 days" and "4 day" (N1, 2.1.6), and 'g-1.m' is 'm1.g-1'.
function quantity(text) {
  const m = /^(-?[0-9.]+(?:e-?\d+)?) (.+)$/.exec(text);
  return m ? { value: Number(m[1]), unit: m[2].replace(/^(year|month|week|day|hour|minute|second|millisecond)s$/, '$1').split('.').map((u) => u.replace(/1(?='?$)/, '').replace(/'/g, '')).sort().join('.') } : null;
}

// The same moment in two time zones is one DateTime (N1, 6.1.1); a literal's T after a date says what it is, not when.
function sameMoment(a, b) {
  return a === b.replace(/T$/, '') || (a.length > 10 && b.length > 10 && Date.parse(a) === Date.parse(b));
}

function sameItem(a, b) {
  if (a.type === 'System.Quantity' && typeof b.value === 'string') {
    const x = quantity(a.value), y = quantity(b.value);
    if (x && y) return sameNumber(x.value, y.value) && x.unit === y.unit;
  }
  if (a.type === 'System.DateTime' && typeof b.value === 'string' && sameMoment(a.value, b.value)) return true;
  return sameJson(a.value, b.value);
}

export function sameOutcome(ours, theirs) {
  if ('error' in ours || 'error' in theirs) return 'error' in ours && 'error' in theirs;
  return ours.result.length === theirs.result.length && ours.result.every((item, i) => sameItem(item, theirs.result[i]));
}
