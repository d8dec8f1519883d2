/* When a part of a form is shown. The same rule is workflows_app/inputs/conditions.py; both are tested with the cases
   of tests/workflows_app/inputs/conditions.json. */
"use strict";

const conditions = (() => {
  const isList = Array.isArray;
  const isObject = (value) => typeof value === "object" && value !== null && !isList(value);

  function same(left, right) {
    if (isList(left) && isList(right)) {
      return left.length === right.length && left.every((value, index) => same(value, right[index]));
    }
    if (isObject(left) && isObject(right)) {
      const keys = Object.keys(left);
      return (
        keys.length === Object.keys(right).length &&
        keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]))
      );
    }
    return left === right;
  }

  const among = (value, values) => values.some((each) => same(each, value));

  function contains(value, part) {
    if (typeof value === "string") return typeof part === "string" && value.includes(part);
    return isList(value) && among(part, value);
  }

  /* By code points, as Python compares texts; JavaScript's own order differs beyond the basic plane. */
  function isLater(left, right) {
    const [one, other] = [Array.from(left), Array.from(right)];
    for (let index = 0; index < Math.min(one.length, other.length); index += 1) {
      const [a, b] = [one[index].codePointAt(0), other[index].codePointAt(0)];
      if (a !== b) return a > b;
    }
    return one.length > other.length;
  }

  function above(value, least) {
    if (typeof value === "number" && typeof least === "number") return value > least;
    if (typeof value === "string" && typeof least === "string") return isLater(value, least);
    return false;
  }

  const isEmpty = (value) => among(value, [null, "", [], {}, false]);

  const comparisons = {
    equals: same,
    not_equals: (value, other) => !same(value, other),
    in: among,
    not_in: (value, values) => !among(value, values),
    contains,
    not_contains: (value, part) => !contains(value, part),
    above,
    below: (value, most) => above(most, value),
    empty: (value) => isEmpty(value),
    not_empty: (value) => !isEmpty(value),
  };

  /* Whether a condition is true of these values; a field that has none counts as empty. */
  function holds(condition, values) {
    if ("all" in condition) return condition.all.every((each) => holds(each, values));
    if ("any" in condition) return condition.any.some((each) => holds(each, values));
    if ("not" in condition) return !holds(condition.not, values);
    const value = Object.hasOwn(values, condition.field) ? values[condition.field] : null;
    const other = "value" in condition ? condition.value : null;
    return comparisons[condition.is](value ?? null, other);
  }

  return { holds, same };
})();

if (typeof window !== "undefined") window.bifrostConditions = conditions;
