// Where fhir/path and the npm package fhirpath (4.11.0) differ on purpose, with the section of the standard that decides. A pair counts as explained
// only if its outcomes are the ones that the rule gives. N1 is http://hl7.org/fhirpath/N1, R4 is http://hl7.org/fhir/R4/fhirpath.html.

const values = (outcome) => outcome.result?.map((x) => x.value);
const refused = (outcome, text) => 'error' in outcome && outcome.error.includes(text);
const one = (outcome, value) => outcome.result?.length === 1 && outcome.result[0].value === value;
const none = (outcome) => outcome.result?.length === 0;
const hasSiblings = (resource) => JSON.stringify(resource).includes('"_');
const calendar = (p) => /\d (weeks|days|hours|minutes|seconds)\b/.test(p.expression);

export const differences = [
  {
    name: 'minus of an element',
    section: 'R4, "Type safety": a primitive or Quantity of FHIR is converted where an operator needs the System type; N1 6.6.7 lists no exception for unary minus',
    text: 'ours negates the value, theirs refuses elements',
    covers: (p) => p.expression.includes('-') && refused(p.theirs, 'Unary - can only be applied to a number') && !('error' in p.ours),
  },
  {
    name: 'minus of nothing',
    section: 'N1 6.6: when an operand is empty, the result is empty',
    text: 'ours is empty, theirs refuses a sum or product of quantities that can not be built',
    covers: (p) => refused(p.theirs, 'Unary - can only be applied to an individual') && (none(p.ours) || calendar(p)),
  },
  {
    name: 'date of a moment of a resource',
    section: 'N1 5.5.4: toDate() takes a DateTime, and gives its date',
    text: 'ours takes the dateTime or instant of a resource and gives the date that it names in its own time zone; theirs takes only the text of a whole date, and gives the date in UTC',
    covers: (p) => (/\.convertsToDate\(\)/.test(p.expression) && one(p.ours, true) && one(p.theirs, false)) || (/\.toDate\(\)/.test(p.expression) && /^\d{4}(-\d\d){0,2}$/.test(values(p.ours)?.[0]) && (none(p.theirs) || p.uses.includes('type dateTime') || p.uses.includes('type instant'))),
  },
  {
    name: 'quantities of two dimensions',
    section: 'N1 6.1.1 and 6.1.2: the dimensions of quantities must be the same, otherwise the result is empty',
    text: 'ours is empty, theirs says they are not equal',
    covers: (p) => / (=|!=) /.test(p.expression) && (p.uses.includes('type Quantity') || p.uses.includes('type System.Quantity')) && !('error' in p.ours) && !('error' in p.theirs) &&
      (none(p.ours) || /(iif|where)\(/.test(p.expression)),
  },
  {
    name: 'equivalent moments',
    section: 'N1 6.1.2: `~` of two moments of the same precision is `=`',
    text: 'ours is what `=` says, theirs is false when one side is an element, even where its `=` is true',
    covers: (p) => / !?~ /.test(p.expression) && (p.uses.includes('type instant') || p.uses.includes('type dateTime')) && p.uses.includes('type System.DateTime'),
  },
  {
    name: 'infinite numbers',
    section: 'N1 6.6 and 5.7: what can not be represented gives an empty result',
    text: 'ours is empty for the logarithm and for powers below zero of 0, theirs is an infinite number',
    covers: (p) => /\.(ln|log|power)\(/.test(p.expression) && none(p.ours) && p.theirs.result?.length === 1 && (p.theirs.result[0].value === null || !Number.isFinite(p.theirs.result[0].value)),
  },
  {
    name: 'type of an extension',
    section: 'N1 6.3.3 (type reflection) with R4 extensibility.html: the items of `extension` are of the type Extension',
    text: 'ours says Extension, theirs Object',
    covers: (p) => (/\.type\(\)\.name/.test(p.expression) && one(p.ours, 'Extension') && one(p.theirs, 'Object')) || /extension(\[\d\])?(\.(is|as|ofType)\(| is | as )(FHIR\.)?(Extension|Element)/.test(p.expression),
  },
  {
    name: 'types of id and url',
    section: 'R4 resource.html and extensibility.html: Resource.id is an id, Extension.url a uri; their definitions name System.String only as the type of the value',
    text: 'ours has the FHIR types, theirs System.String',
    covers: (p) => /\.(id|url)\.?\[?\d?\]?( is |\.is\(|\.as\(| as |\.ofType\()/.test(p.expression) || /\.(id|url)\.type\(\)/.test(p.expression),
  },
  {
    name: 'equal primitives with extensions',
    section: 'R4, "Type safety": a primitive is converted to its System value where it is used, so that `a = b` is transitive with `a = \'text\'`; N1 5.3 and 6.5 tell sets apart with `=`',
    text: 'ours compares the values, theirs also the extensions if both are elements',
    covers: (p) => /\.(union|intersect|exclude|subsetOf|supersetOf|distinct|isDistinct|repeat|indexOf)\(| (\||in|contains|=|!=) /.test(p.expression) && hasSiblings(p.resource) && !('error' in p.ours) && !('error' in p.theirs),
  },
  {
    name: 'subsets with an item twice',
    section: 'N1 5.1.9: true if every item of the input is in the other collection',
    text: 'ours looks at each item, theirs is false when the input is longer',
    covers: (p) => /\.(subsetOf|supersetOf)\(/.test(p.expression) && one(p.ours, true) && one(p.theirs, false),
  },
  {
    name: 'children of primitives',
    section: 'N1 5.8 with R4 datatypes.html: `id` and `extension` of a primitive are its children',
    text: 'ours counts the extensions of primitives and what is in them, theirs leaves them out',
    covers: (p) => /\.(descendants|children)\(\)/.test(p.expression) && hasSiblings(p.resource),
  },
  {
    name: 'value of a primitive',
    section: 'R4 datatypes.html: a primitive has the child `value`, as the definition of each says (`string.value`)',
    text: 'ours gives the value, theirs has it for decimals only',
    covers: (p) => /value\.value/.test(p.expression),
  },
  {
    name: 'length of a time',
    section: 'N1 5.6: the functions of strings take a String; 5.5 has no implicit conversion from Time',
    text: 'ours refuses, theirs counts the characters of a resource\'s time',
    covers: (p) => refused(p.ours, 'type') && /is a function of a String, not of System\.(Time|Date|DateTime)/.test(p.ours.text) && !('error' in p.theirs),
  },
  {
    name: 'products with calendar durations',
    section: "N1 2.1.6 and 6.6: calendar durations from weeks down have a fixed length, which comparisons use (`1 day = 24 'h'` is true for both)",
    text: 'ours multiplies and divides by that length, theirs is empty',
    covers: (p) => calendar(p) && / [*/] /.test(p.expression) && none(p.theirs),
  },
];
