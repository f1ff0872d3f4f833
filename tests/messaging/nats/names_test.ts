import assert from "node:assert/strict";
import { test } from "node:test";
import { consumerOf, groupOf, namesOf } from "../../../messaging/adapters/nats/names.ts";

test("a subject has a token for each segment of the channel", () => {
  const names = namesOf("exchange", "events:benchmark:1.2");
  assert.equal(names.subject, "exchange.channel.events.benchmark.1+2");
  assert.equal(names.letters("my.group"), "exchange.letter.my+group.events.benchmark.1+2");
  assert.equal(names.again("my.group"), "exchange.again.my+group.events.benchmark.1+2");
  assert.equal(names.stream, "exchange=channel=events=benchmark=1+2");
  assert.equal(names.desk, "exchange=desk=events=benchmark=1+2");
});

test("no two of prefix, channel and group share a name", () => {
  const parts = ["a", "a.a", "a:a", "a-a", "a_a", "a:a.a", "a.a:a", "channel", "desk", "letter:a"];
  const seen = new Set<string>();
  let count = 0;
  const add = (name: string): void => {
    seen.add(name);
    count++;
  };
  for (const prefix of ["a", "a-a", "channel"]) {
    for (const channel of parts) {
      const names = namesOf(prefix, channel);
      [names.stream, names.desk, names.subject, names.trimmed].forEach(add);
      for (const group of parts.filter((part) => !part.includes(":"))) {
        [names.letters(group), names.again(group)].forEach(add);
      }
    }
  }
  assert.equal(seen.size, count);
});

test("the subjects of a desk match what is put on it, and nothing of another channel", () => {
  const { deskSubjects, letters, again, trimmed } = namesOf("p", "a:b");
  const patterns = deskSubjects.map((subject) =>
    new RegExp(`^${subject.replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`)
  );
  const isOnDesk = (subject: string): boolean => patterns.some((one) => one.test(subject));
  for (const subject of [letters("g.1"), again("g"), trimmed]) assert.ok(isOnDesk(subject));
  for (const channel of ["a", "b", "a:b:c", "g:a:b", "a.b"]) {
    const other = namesOf("p", channel);
    for (const subject of [other.subject, other.letters("g"), other.again("g"), other.trimmed]) {
      assert.ok(!isOnDesk(subject), subject);
    }
  }
});

test("a group is known by its consumer", () => {
  assert.equal(consumerOf("a.b-c_d"), "a+b-c_d");
  assert.equal(groupOf(consumerOf("a.b-c_d")), "a.b-c_d");
});
