#include "wire/yaml.h"

#include <gtest/gtest.h>

#include <string>

#include "model/builtin_personas.h"
#include "model/persona.h"

namespace mien::wire {
namespace {

constexpr std::string_view header = "apiVersion: mien.dev/v1\n";

std::string complaints(std::string_view text) {
  return render(parse_resources(text, "f.yaml").diagnostics, Colour::never);
}

// The example of the contract, as it stands there.
constexpr std::string_view contract = R"yaml(apiVersion: mien.dev/v1
kind: Persona
metadata: {name: web-frontend, annotations: {description: "nginx in front of the shop"}}
spec:
  extends: [linux-server]              # merged in order; contradictions are errors, not last-one-wins
  configuration:                       # what the instance should be; only declared keys are ever written
    cpu: {cores: 4, weight: 200, max: 350%}
    memory: {limit: 8GiB, high: 7GiB}
    disk: {weight: 100, read_iops: 5000, write_bandwidth: 200MB/s, class: ssd}
    network: {egress: 500Mbit}
    sysctl: {net.core.somaxconn: 4096}
    services: {nginx: running}
    software: [{name: nginx, version: ">=1.22"}]
    data: [{path: /srv/models/base.bin, source: seed-store/base.bin, sha256: "...", size: 2GiB}]
  behavior:
    system.cpu.utilization: {distribution: normal, mean: 0.35, stddev: 0.10}
    system.disk.io: {read_write_ratio: 4, peak: 150MB/s}
  security:
    executables: {allow: [/usr/sbin/nginx, "/usr/bin/*"]}
    listen: {allow: ["tcp/80", "tcp/443"]}
    connect: {allow: ["10.0.0.0/8:5432"]}
    files: {deny_write: ["/etc/**", "/usr/**"]}
    users: {allow: [deploy]}
    pending_security_updates: {max: 10}
  drift: {false_alarms: 1/week, weights: {security: 5}, limits: {system.memory.utilization: {max: 95%}, system.disk.io: {change: +50%, over: 1h}}}
  activation:
    - when: "time.in('Mon-Fri 08:00-20:00 Europe/Berlin') && load.cpu > 0.6"
      for: 5m
    - when: "signal('lb.forecast_rps') > 1000 || forecast('system.cpu.utilization', 30m).p90 > 0.8"
      lead: 10m
---
apiVersion: mien.dev/v1
kind: Instance
metadata: {name: web-01, labels: {role: web, tier: front}}
spec:
  pool: web
  personas: [nightly-backup, web-frontend]
  driver: {libvirt: {domain: web-01}}
  relations: [{same_host: db-01}]
---
apiVersion: mien.dev/v1
kind: Pool
metadata: {name: web}
spec:
  selector: {role: web}
  driver: {libvirt: {uri: "qemu:///system"}}
  size: {min: 2, max: 12}
  base_image: /var/lib/mien/images/web.qcow2
  relations: [{depends_on: db}]
---
apiVersion: mien.dev/v1
kind: Policy
metadata: {name: contain-intrusion}
spec:
  match: {pools: [web], kinds: [security], severity: high}
  mode: propose
  ladder:
    - do: lockdown
      with: {level: egress}
      lease: 30m
    - do: snapshot
    - do: replace
  guards: {budget: {actions: 2, per: 1h}, max_unavailable: 20%, cooldown: 15m, settle: 2m, approval: {required_for: [replace]}}
)yaml";

TEST(Resources, OfTheContractAreTaken) {
  ParsedResources parsed = parse_resources(contract, "contract.yaml");
  EXPECT_TRUE(parsed.ok()) << render(parsed.diagnostics, Colour::never);
  EXPECT_EQ(parsed.diagnostics.size(), 1U);  // a warning: the checksum is not one
  ASSERT_EQ(parsed.resources.size(), 4U);
  EXPECT_EQ(parsed.resources[3].resource.metadata.name, "contain-intrusion");
  EXPECT_EQ(parsed.resources[3].line, 50U);
}

TEST(Resources, AreTheSameAfterBeingPrintedAndAppliedAgain) {
  for (const SourcedResource& each : parse_resources(contract, "contract.yaml").resources) {
    model::Resource written = each.resource;
    written.metadata.generation = 7;
    for (const std::string& text : {to_yaml(written), to_json(written)}) {
      ParsedResources again = parse_resources(text, "again");
      ASSERT_TRUE(again.ok()) << text << render(again.diagnostics, Colour::never);
      ASSERT_EQ(again.resources.size(), 1U);
      EXPECT_EQ(again.resources[0].resource, written) << text;
    }
    ParsedResources body = parse_resource_json(to_json(written));
    ASSERT_EQ(body.resources.size(), 1U);
    EXPECT_EQ(body.resources[0].resource, written);
  }
}

TEST(Resources, IgnoreWhatTheServerSetAndItsStatus) {
  ParsedResources parsed = parse_resources(
      "apiVersion: mien.dev/v1\nkind: Pool\nmetadata: {name: web, generation: 3, uid: u, created_at: now, created_by: "
      "me, "
      "updated_at: x, managed_by: files}\nspec: {}\nstatus: {members: 3}\n",
      "f.yaml");
  ASSERT_TRUE(parsed.ok()) << render(parsed.diagnostics, Colour::never);
  EXPECT_EQ(parsed.resources[0].resource.metadata.generation, 3U);
  EXPECT_EQ(parsed.resources[0].resource.metadata.uid, "");
}

TEST(Diagnostics, ShowTheLineAndWhatToWriteInstead) {
  EXPECT_EQ(
      complaints(
          "apiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: web, lables: {role: web}}\nspec:\n"
          "  limits: {}\n  configuration:\n    memory: {limit: 8G}\n  drift:\n    false_alarms: 1\n    limts: {}\n"),
      R"(f.yaml:3:23: error: unknown key `lables`
    3 | metadata: {name: web, lables: {role: web}}
      |                       ^~~~~~
     help: did you mean `labels`?
f.yaml:5:3: error: unknown key `limits`
    5 |   limits: {}
      |   ^~~~~~
     help: it belongs under `drift`
f.yaml:7:21: error: `8G`: `G` is not a unit here; write GB or GiB
    7 |     memory: {limit: 8G}
      |                     ^~
     help: write `limit: 8GiB`
f.yaml:9:19: error: `1` has no unit; a frequency, like 1/week is wanted here
    9 |     false_alarms: 1
      |                   ^
     help: write `false_alarms: 1/week`
f.yaml:10:5: error: unknown key `limts`
   10 |     limts: {}
      |     ^~~~~
     help: did you mean `limits`?
5 errors
)");
}

TEST(Diagnostics, FindWhatContradictsItself) {
  EXPECT_EQ(
      complaints("apiVersion: mien.dev/v1\nkind: Persona\nmetadata: {name: web}\nspec:\n"
                 "  extends: [web]\n  security: {listen: {allow: [tcp/80], deny: [tcp/80]}}\n"
                 "  behavior:\n    system.cpu.utilization: {distribution: normal, mean: 35, stddev: 0}\n"
                 "  drift: {limits: {m: {min: 9Gi, max: 8Gi}, n: {change: +50%}}}\n"
                 "---\napiVersion: mien.dev/v1\nkind: Pool\nmetadata: {name: web}\nspec: {size: {min: 3, max: 2}}\n"),
      R"(f.yaml:5:13: error: `web` extends itself
    5 |   extends: [web]
      |             ^~~
     help: take it out
f.yaml:6:47: error: `tcp/80` is both allowed and denied
    6 |   security: {listen: {allow: [tcp/80], deny: [tcp/80]}}
      |                                               ^~~~~~
     help: take it out of one of the lists
f.yaml:8:58: error: system.cpu.utilization is between 0 and 1; 35 is never reached
    8 |     system.cpu.utilization: {distribution: normal, mean: 35, stddev: 0}
      |                                                          ^~
     help: write 35% or 0.35
f.yaml:8:70: error: `stddev` must be above 0
    8 |     system.cpu.utilization: {distribution: normal, mean: 35, stddev: 0}
      |                                                                      ^
     help: what never varies is distribution: constant
f.yaml:9:29: error: `min` is above `max`: no value satisfies both
    9 |   drift: {limits: {m: {min: 9Gi, max: 8Gi}, n: {change: +50%}}}
      |                             ^~~
     help: swap them
f.yaml:9:45: error: `change` needs `over`, the time it is measured against
    9 |   drift: {limits: {m: {min: 9Gi, max: 8Gi}, n: {change: +50%}}}
      |                                             ^
     help: write over: 1h beside it
f.yaml:14:20: error: `min` is 3 and `max` is 2
   14 | spec: {size: {min: 3, max: 2}}
      |                    ^
     help: swap them
7 errors
)");
}

TEST(Diagnostics, JudgeTheStepsOfAPolicyByTheirVerb) {
  EXPECT_EQ(complaints("apiVersion: mien.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  ladder:\n"
                       "    - {do: lockdown, with: {levle: egress}}\n    - {do: scale}\n    - do: activate\n"),
            R"(f.yaml:6:22: error: `level` is missing: how far
    6 |     - {do: lockdown, with: {levle: egress}}
      |                      ^~~~
     help: write `level: egress`
f.yaml:6:29: error: unknown key `levle`
    6 |     - {do: lockdown, with: {levle: egress}}
      |                             ^~~~~
     help: did you mean `level`?
f.yaml:7:7: error: `scale` does not say what to scale
    7 |     - {do: scale}
      |       ^
     help: write with: {cpu: +50%, max: 8}
f.yaml:8:7: error: `persona` is missing: persona to switch to
    8 |     - do: activate
      |       ^
     help: write `persona: nightly-backup`
4 errors
)");
}

TEST(Diagnostics, NameWhatIsMissingFromAResource) {
  EXPECT_EQ(complaints("kind: persona\nmetadata: {labels: {a: 1}}\n"), R"(f.yaml:1:1: error: `apiVersion` is missing
    1 | kind: persona
      | ^
     help: write apiVersion: mien.dev/v1
f.yaml:1:7: error: `persona` is not a kind of resource
    1 | kind: persona
      |       ^~~~~~~
     help: did you mean Persona?
f.yaml:2:1: error: `name` is missing: unique among its kind
    2 | metadata: {labels: {a: 1}}
      | ^~~~~~~~
     help: write `name: web-01`
f.yaml:2:24: error: a text is wanted here, not `1`
    2 | metadata: {labels: {a: 1}}
      |                        ^
     help: put it in quotes, as it is written
4 errors
)");
}

TEST(Diagnostics, CountColumnsInCharacters) {
  EXPECT_EQ(
      complaints("apiVersion: mien.dev/v1\nkind: Pool\nmetadata: {annotations: {ä: ö}, nam: web}\n").substr(0, 40),
      "f.yaml:3:1: error: `name` is missing: un");
  EXPECT_NE(complaints("apiVersion: mien.dev/v1\nkind: Pool\nmetadata: {annotations: {ä: ö}, nam: web}\n")
                .find("f.yaml:3:33: error: unknown key `nam`"),
            std::string::npos);
}

TEST(Diagnostics, ShowThePartOfALongLineThatMatters) {
  std::string text =
      "apiVersion: mien.dev/v1\nkind: Pool\nmetadata: {name: web, annotations: {a: " + std::string(500, 'x') +
      "}, lables: {}}\n";
  ParsedResources parsed = parse_resources(text, "f.yaml");
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_LT(parsed.diagnostics[0].source_line.size(), 220U);
  std::string shown = render(parsed.diagnostics[0], Colour::never);
  std::size_t key = shown.find("lables: {");
  std::size_t caret = shown.find('^');
  std::size_t line = shown.rfind('\n', key);
  ASSERT_NE(key, std::string::npos);
  EXPECT_EQ(caret - shown.rfind('\n', caret), key - line) << shown;
}

TEST(Diagnostics, KeepControlCharactersFromTheTerminal) {
  std::string shown = complaints("apiVersion: mien.dev/v1\nkind: \"\\e[31mred\"\nmetadata: {name: web} # \x1b[0m\n");
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_NE(render(parse_resources("kind: x", "f").diagnostics, Colour::always).find("\x1b[1;31merror:"),
            std::string::npos);
}

TEST(Yaml, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(complaints("apiVersion: mien.dev/v1\nkind: Pool\nmetadata: {name: web}\nkind: Pool\n"),
            "f.yaml:4:1: error: the key `kind` stands twice in this map\n    4 | kind: Pool\n      | ^~~~\n"
            "     help: it stands in line 2 already; make them one\n");
}

TEST(Yaml, RefusesTheSameResourceTwice) {
  std::string pool = std::string(header) + "kind: Pool\nmetadata: {name: web}\n";
  ParsedResources parsed = parse_resources(pool + "---\n" + pool, "f.yaml");
  EXPECT_EQ(parsed.resources.size(), 1U);
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].what.message, "Pool/web stands in this file twice");
}

TEST(Yaml, SkipsEmptyDocuments) {
  EXPECT_TRUE(parse_resources("", "f.yaml").diagnostics.empty());
  EXPECT_TRUE(parse_resources("---\n# nothing\n---\n", "f.yaml").diagnostics.empty());
}

TEST(Yaml, PointsAtWhereItsSyntaxBreaks) {
  EXPECT_EQ(complaints("apiVersion: mien.dev/v1\nkind: Persona\nmetadata:\n  name: a: b\n"),
            "f.yaml:4:10: error: this is not YAML: illegal map value\n    4 |   name: a: b\n      |          ^\n"
            "     help: put the text in quotes if it has `: ` in it, and look at the indentation\n");
}

TEST(Yaml, KeepsWhatCameBeforeABrokenDocument) {
  ParsedResources parsed =
      parse_resources(std::string(header) + "kind: Pool\nmetadata: {name: web}\n---\n: [", "f.yaml");
  EXPECT_EQ(parsed.resources.size(), 1U);
  EXPECT_FALSE(parsed.ok());
}

TEST(Yaml, LimitsWhatAliasesWriteOut) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += "*" + before + ",";
    bomb += "]\n";
  }
  auto refused = parse_yaml(bomb, "bomb.yaml");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.substr(0, 61), "the document is too large once its aliases are written out; a");
  std::string long_text = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) long_text += "*a,";
  EXPECT_FALSE(parse_yaml(long_text + "]", "bomb.yaml"));
  EXPECT_FALSE(parse_yaml("a: &a [*a]", "circle.yaml"));
  EXPECT_FALSE(parse_yaml("a: *nobody", "alias.yaml"));
}

TEST(Yaml, TakesAnAliasForWhatItNames) {
  EXPECT_EQ(*parse_yaml("a: &x {k: 1}\nb: *x\n&n name: &t text\n*t : 2\n", "f.yaml"),
            *parse_yaml("{a: {k: 1}, b: {k: 1}, name: text, text: 2}", "f.yaml"));
}

TEST(Yaml, LimitsDepthSizeAndDocuments) {
  auto nested = [](std::size_t levels) {
    return "a: " + std::string(levels - 2, '[') + "1" + std::string(levels - 2, ']');
  };
  EXPECT_TRUE(parse_yaml(nested(32), "f.yaml"));
  EXPECT_FALSE(parse_yaml(nested(33), "f.yaml"));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '['), "f.yaml"));
  EXPECT_FALSE(parse_yaml("a: " + std::string(limits::document_bytes, 'x'), "f.yaml"));
  std::string pools;
  for (std::size_t i = 0; i <= limits::documents; ++i) pools += "---\nkind: Pool\n";
  std::string shown = complaints(pools);
  EXPECT_NE(shown.find("more than 1000 documents in one file"), std::string::npos);
}

TEST(Yaml, RefusesBytesThatAreNoText) {
  EXPECT_FALSE(parse_yaml("a: \xff", "f.yaml"));
  EXPECT_FALSE(parse_yaml(std::string("a: \0b", 5), "f.yaml"));
  EXPECT_FALSE(parse_yaml("a: !python/object x", "f.yaml"));
  EXPECT_FALSE(parse_yaml("? [a]\n: b", "f.yaml"));
  EXPECT_TRUE(
      parse_yaml("\xEF\xBB\xBF"
                 "a: 1",
                 "f.yaml"));
}

TEST(Yaml, TypesPlainTextsByTheCoreSchema) {
  auto parsed = parse_yaml(
      "[~, true, 42, 0x10, 0.5, 1e3, '42', yes, 007, 1.2.3, .inf, 8Gi, +5, -3, 99999999999999999999]", "f.yaml");
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  using model::Value;
  EXPECT_EQ(*parsed, Value(Value::List{Value(), Value(true), Value(42), Value(16), Value(0.5), Value(1000.0),
                                       Value("42"), Value("yes"), Value("007"), Value("1.2.3"), Value(".inf"),
                                       Value("8Gi"), Value(5), Value(-3), Value(1e20)}));
}

TEST(Json, OfARequestIsJudgedByPointer) {
  ParsedResources parsed = parse_resource_json(
      R"({"apiVersion":"mien.dev/v1","kind":"Persona","metadata":{"name":"p"},"spec":{"drift":{"depart":"far"}}})");
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].what.pointer, "/spec/drift/depart");
  EXPECT_EQ(parsed.diagnostics[0].resource, "Persona/p");
  EXPECT_EQ(parsed.diagnostics[0].line, 0U);
}

TEST(Json, IsStrictAndLimited) {
  for (std::string_view text :
       {"", "{", "{\"a\":1,}", "[1] 2", "{\"a\":1,\"a\":2}", "\"\xff\"", "1e999", "nul", "{'a':1}"})
    EXPECT_FALSE(parse_json(text)) << text;
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_FALSE(parse_json("\"" + std::string(limits::document_bytes, 'x') + "\""));
  EXPECT_EQ(*parse_json("18446744073709551615"), model::Value(18446744073709551615.0));
}

TEST(Json, InAFileIsReadWhereYamlCanNot) {
  ParsedResources parsed = parse_resources(
      "{\"apiVersion\":\"mien.dev/"
      "v1\",\"kind\":\"Pool\",\"metadata\":{\"name\":\"web\",\"annotations\":{\"a\":\"\\ud83d\\ude00\"}}}",
      "f.json");
  ASSERT_TRUE(parsed.ok()) << render(parsed.diagnostics, Colour::never);
  EXPECT_EQ(parsed.resources[0].resource.metadata.annotations.at("a"), "\xF0\x9F\x98\x80");
}

TEST(BuiltinPersonas, AreValidAndCompile) {
  std::map<std::string, model::Value, std::less<>> specs;
  for (const model::BuiltinPersona& each : model::builtin_personas()) {
    ParsedResources parsed = parse_resources(each.yaml, each.name);
    EXPECT_TRUE(parsed.diagnostics.empty()) << render(parsed.diagnostics, Colour::never);
    ASSERT_EQ(parsed.resources.size(), 1U);
    EXPECT_EQ(parsed.resources[0].resource.metadata.name, each.name);
    specs[std::string(each.name)] = parsed.resources[0].resource.spec;
  }
  EXPECT_TRUE(specs.contains(model::default_persona));
  EXPECT_EQ(specs.size(), 5U);
  model::PersonaSource source;
  source.find = [&specs](std::string_view name) {
    auto found = specs.find(name);
    return found == specs.end() ? nullptr : &found->second;
  };
  for (const auto& [name, spec] : specs) {
    auto merged = model::merge_persona(PersonaName(name), spec, source);
    ASSERT_TRUE(merged) << merged.error().to_string();
    auto expectation = model::compile_expectation(PersonaName(name), 1, *merged);
    ASSERT_TRUE(expectation) << expectation.error().to_string();
    EXPECT_EQ(expectation->metrics["system.filesystem.utilization"].limit->max, name == "database" ? 0.9 : 0.98);
  }
}

}  // namespace
}  // namespace mien::wire
