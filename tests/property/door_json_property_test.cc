// Law of an OTLP door that remembers the text of JSON: whatever comes, it says what a door says that remembers nothing.
// rooms: wire
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "base/prng.h"
#include "base/text.h"
#include "tests/property/two_otlp_doors.h"
#include "wire/otlp.h"

namespace mien {
namespace {

constexpr std::uint64_t t0 = 1'700'000'000'000'000'000;  // ns

// Writes requests that are alike in all but numbers: `shape` says which series there are, in which order and how they
// are spelled; `numbers` what stands in them, and now and then something odd. There is a `cut` before and behind each
// metric.
constexpr char cut = '\x01';

class JsonWriter {
 public:
  struct Times {
    std::uint64_t now = 0;
    std::uint64_t start = 0;
  };
  JsonWriter(Prng& shape, Prng& numbers, Times times)
      : shape_(shape), numbers_(numbers), times_(times), few_(shape.below(1'000'000)), quoted_(shape.chance(0.5)) {
    if (shape.chance(0.3)) space_ = shape.chance(0.5) ? " " : "\n  ";
  }

  std::string request() {
    std::vector<std::string> resources;
    for (std::uint64_t n = 1 + shape_.below(3); n > 0; --n) resources.push_back(resource());
    std::vector<std::string> fields{member("resourceMetrics", list(resources))};
    if (shape_.chance(0.1)) fields.push_back(member("more", R"({"metrics":[{}]})"));
    if (shape_.chance(0.02)) fields.push_back(member("resourceMetrics", "[]"));
    return space_ + object(fields) + (shape_.chance(0.2) ? "\n" : "");
  }

 private:
  std::string resource() {
    std::string key = shape_.chance(0.2) ? "mien.instance" : "host.name";
    std::string name = quoted(cat("web-", shape_.below(3)));
    std::vector<std::string> attributes{attribute(key, object({member("stringValue", name)}))};
    if (shape_.chance(0.03)) attributes.clear();
    if (numbers_.chance(0.03))  // an agent's mark, another each time
      attributes.push_back(attribute("mien.sequence", object({member("intValue", cat(numbers_.below(100)))})));
    std::vector<std::string> fields{member("resource", object({member("attributes", list(attributes))}))};
    std::vector<std::string> scopes;
    for (std::uint64_t n = shape_.below(3); n > 0; --n) scopes.push_back(scope());
    fields.push_back(member("scopeMetrics", list(scopes)));
    if (shape_.chance(0.05)) std::swap(fields.front(), fields.back());
    if (shape_.chance(0.2)) fields.push_back(member("schemaUrl", quoted("metrics")));
    if (shape_.chance(0.02)) fields.push_back(member("resource", object({member("attributes", "[]")})));
    if (shape_.chance(0.02)) fields.front().replace(0, 10, R"("resour\u0063e")");
    return object(fields);
  }

  std::string scope() {
    std::vector<std::string> fields, metrics;
    if (shape_.chance(0.7)) fields.push_back(member("scope", object({member("name", quoted("metrics"))})));
    for (std::uint64_t n = shape_.below(5); n > 0; --n) metrics.push_back(one_of_few_metrics());
    if (numbers_.chance(0.05)) std::reverse(metrics.begin(), metrics.end());
    if (numbers_.chance(0.03)) metrics.push_back("{}");
    fields.push_back(member("metrics", list(metrics)));
    if (shape_.chance(0.02)) fields.push_back(member("metrics", list({one_of_few_metrics()})));
    return object(fields);
  }

  // So that several instances have the same ones.
  std::string one_of_few_metrics() {
    Prng few{few_ + shape_.below(8)};
    JsonWriter writer{few, numbers_, times_};
    writer.quoted_ = quoted_;
    writer.space_ = space_;
    return cat(cut, writer.metric(), cut);
  }

  std::string metric() {
    constexpr std::array<std::string_view, 7> names{"app.requests",
                                                    "system.memory.usage",
                                                    "system.cpu.utilization",
                                                    "system.cpu.load_average.1m",
                                                    "system.network.io",
                                                    "queue.length",
                                                    "netdata_system_io_KiB_persec_average"};
    constexpr std::array<std::string_view, 4> units{"By", "1", "", "{request}"};
    std::vector<std::string> fields{member("name", quoted(names.at(shape_.below(names.size()))))};
    if (shape_.chance(0.5)) fields.push_back(member("unit", quoted(units.at(shape_.below(units.size())))));
    if (shape_.chance(0.1)) fields.push_back(member("description", quoted(R"(said \"so\" \u00e9)")));
    std::vector<std::string> points;
    for (std::uint64_t n = shape_.below(5); n > 0; --n) points.push_back(point());
    if (numbers_.chance(0.05)) std::reverse(points.begin(), points.end());
    std::vector<std::string> data{member("dataPoints", list(points))};
    bool sum = shape_.chance(0.6);
    if (sum) data.push_back(member("aggregationTemporality", cat(shape_.chance(0.9) ? 2 : shape_.below(3))));
    if (sum) data.push_back(member("isMonotonic", shape_.chance(0.7) ? "true" : "false"));
    if (shape_.chance(0.5)) std::reverse(data.begin(), data.end());
    if (shape_.chance(0.02)) data.push_back(member("dataPoints", list({point()})));
    bool histogram = shape_.chance(0.05);
    fields.push_back(member(histogram ? "histogram" : sum ? "sum" : "gauge", object(data)));
    if (shape_.chance(0.02)) fields.push_back(member("gauge", object({member("dataPoints", list({point()}))})));
    return object(fields);
  }

  std::string point() {
    std::vector<std::string> fields, attributes;
    for (std::uint64_t n = shape_.below(3); n > 0; --n)
      attributes.push_back(attribute(shape_.chance(0.5) ? "state" : "dimension", any_value()));
    if (shape_.chance(0.8)) fields.push_back(member("attributes", list(attributes)));
    std::uint64_t start = shape_.chance(0.7) ? times_.start : times_.now - 15'000'000'000U;
    if (shape_.chance(0.5)) fields.push_back(member("startTimeUnixNano", whole(start)));
    if (!shape_.chance(0.03)) fields.push_back(member("timeUnixNano", time()));
    if (shape_.chance(0.97)) fields.push_back(member(shape_.chance(0.6) ? "asDouble" : "asInt", number()));
    if (shape_.chance(0.02)) fields.push_back(member("asDouble", number()));
    if (shape_.chance(0.05)) fields.insert(fields.begin(), member("asDou\\u0062le", number()));
    if (shape_.chance(0.05)) fields.push_back(member("flags", cat(shape_.below(2))));
    if (shape_.chance(0.05))
      fields.push_back(
          member("exemplars", list({object({member("timeUnixNano", time()), member("asInt", number())})})));
    if (shape_.chance(0.2)) std::reverse(fields.begin(), fields.end());
    return object(fields);
  }

  std::string any_value() {
    if (shape_.chance(0.03)) return object({member("arrayValue", object({member("values", "[]")}))});
    if (shape_.chance(0.2)) return object({member("intValue", whole(shape_.below(3)))});
    constexpr std::array<std::string_view, 3> texts{"in", "out", "v"};
    return object({member("stringValue", quoted(texts.at(shape_.below(texts.size()))))});
  }

  std::string time() {
    constexpr std::array<std::string_view, 10> odd{"0",
                                                   "007",
                                                   "1.7e18",
                                                   "-1",
                                                   "9223372036854775808",
                                                   "18446744073709551615",
                                                   "18446744073709551616",
                                                   "null",
                                                   "",
                                                   "1700000000000000000 "};
    if (numbers_.chance(0.02)) return spelled(odd.at(numbers_.below(odd.size())));
    if (numbers_.chance(0.01)) return whole(times_.now) + (quoted_ ? "" : "0");
    if (numbers_.chance(0.01)) return spelled(cat(times_.now, numbers_.below(10)));
    return whole(times_.now - (numbers_.chance(0.9) ? 0 : numbers_.below(15) * 1'000'000'000U));
  }

  std::string number() {
    constexpr std::array<std::string_view, 30> odd{"-0",
                                                   "-0.0",
                                                   "0.0",
                                                   "0e5",
                                                   "1.",
                                                   ".5",
                                                   "01",
                                                   "+1",
                                                   "1e400",
                                                   "1e-400",
                                                   "1E5",
                                                   "1e+2",
                                                   "NaN",
                                                   "Infinity",
                                                   "-Infinity",
                                                   "null",
                                                   "true",
                                                   "[]",
                                                   "9007199254740993",
                                                   "12345678901234567890",
                                                   "123456789012345678901",
                                                   "0.30000000000000004",
                                                   "1.7976931348623157e308",
                                                   "4.9e-324",
                                                   "1e",
                                                   "1.5e3x",
                                                   "0x10",
                                                   "-",
                                                   "999999999999999999",
                                                   "-12345678901234.5"};
    if (numbers_.chance(0.06)) return spelled(odd.at(numbers_.below(odd.size())));
    std::string text = cat(numbers_.below(1000));
    if (numbers_.chance(0.3)) text += cat('.', numbers_.below(100'000));
    if (numbers_.chance(0.2)) text.insert(text.begin(), '-');
    return quoted_ ? quoted(text) : text;
  }

  std::string whole(std::uint64_t number) { return quoted_ ? quoted(cat(number)) : cat(number); }
  std::string spelled(std::string_view text) { return numbers_.chance(0.5) ? quoted(text) : std::string(text); }
  static std::string quoted(std::string_view text) { return cat('"', text, '"'); }
  std::string attribute(std::string_view key, std::string_view value) {
    return object({member("key", quoted(key)), member("value", value)});
  }
  std::string member(std::string_view key, std::string_view value) { return cat('"', key, "\":", space_, value); }
  std::string object(const std::vector<std::string>& members) { return cat('{', joined(members), '}'); }
  std::string list(const std::vector<std::string>& items) { return cat('[', joined(items), ']'); }
  std::string joined(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& each : parts) all += cat(all.empty() ? "" : ",", space_, each);
    return all;
  }

  Prng& shape_;
  Prng& numbers_;
  Times times_;
  std::uint64_t few_;  // the first of the metrics' seeds
  bool quoted_;
  std::string space_;
};

// Something that a sender would not do, and a stranger might.
void spoil(Prng& prng, std::string& body) {
  auto place = [&] { return prng.below(body.size() + 1); };
  auto piece = [&] { return body.substr(place(), prng.below(40)); };
  constexpr std::string_view bytes = "{}[],:\"\\0123456789-+.eE nt\n\x80";
  switch (prng.below(7)) {
    case 0: body.resize(place()); break;
    case 1: body.insert(place(), 1, bytes[prng.below(bytes.size())]); break;
    case 2: body.erase(place(), 1); break;
    case 3: body.insert(place(), piece()); break;
    case 4: body.erase(place(), prng.below(40)); break;
    case 5: body += body; break;
    default:
      if (!body.empty()) body[prng.below(body.size())] = bytes[prng.below(bytes.size())];
  }
}

// What stands between the cuts again, left out, or in another order: each piece as it was, and the whole most likely
// no JSON.
void shuffle_pieces(Prng& prng, std::string& body) {
  std::vector<std::string_view> pieces = split(body, cut);
  auto any = [&] { return static_cast<std::ptrdiff_t>(prng.below(pieces.size())); };
  for (std::uint64_t n = prng.below(3); n > 0; --n) {
    std::ptrdiff_t from = any(), to = any();
    if (prng.chance(0.5)) from = 0;
    std::vector<std::string_view> some(pieces.begin() + std::min(from, to), pieces.begin() + std::max(from, to));
    switch (prng.below(4)) {
      case 0: pieces.erase(pieces.begin() + std::min(from, to), pieces.begin() + std::max(from, to)); break;
      case 1: pieces.insert(pieces.begin() + any(), some.begin(), some.end()); break;
      case 2: pieces.insert(pieces.begin() + std::max(from, to), some.begin(), some.end()); break;  // twice
      default: std::swap(pieces[static_cast<std::size_t>(from)], pieces[static_cast<std::size_t>(to)]);
    }
  }
  std::string all;
  for (std::string_view piece : pieces) all += cat(all.empty() ? "" : std::string(1, cut), piece);
  body = all;
}

RC_GTEST_PROP(an_otlp_door_that_remembers_json, says_what_one_says_that_does_not, ()) {
  Prng prng{*rc::gen::arbitrary<std::uint64_t>()};
  TwoOtlpDoors doors;
  wire::IngestLimits limits;
  if (prng.chance(0.1)) limits.samples = 8;
  if (prng.chance(0.1)) limits.instances = 1;
  std::uint64_t now = t0;
  std::uint64_t start = now;
  std::uint64_t seed = prng.below(1'000'000);
  for (int round = 0; round < 16; ++round) {
    now += 15'000'000'000U;
    if (prng.chance(0.2)) start = now + prng.below(30) * 1'000'000'000U - 20'000'000'000U;
    Prng shape{seed + (prng.chance(0.2) ? prng.below(3) : 0)};
    std::string body = JsonWriter{shape, prng, {.now = now, .start = start}}.request();
    if (prng.chance(0.2)) shuffle_pieces(prng, body);
    std::erase(body, cut);
    if (prng.chance(0.1)) spoil(prng, body);
    bool trusted = prng.chance(0.2);
    RC_ASSERT(doors.difference(otlp_request(wire::OtlpEncoding::json, body, now, trusted, limits)) == "");
  }
}

}  // namespace
}  // namespace mien
