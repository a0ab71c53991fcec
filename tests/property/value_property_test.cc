// Laws of the tree that specs are kept in: its bytes, its YAML and its JSON all read back to the same tree.
// rooms: wire model
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>

#include "model/text_quantity.h"
#include "model/value.h"
#include "wire/yaml.h"

namespace mien::model {
namespace {

rc::Gen<double> any_finite() {
  return rc::gen::suchThat(
      rc::gen::oneOf(rc::gen::arbitrary<double>(), rc::gen::element(0.0, -0.0, 1e300, 5e-324, 4.0, 0.1, 1e16, -2.5e-7)),
      [](double x) { return std::isfinite(x); });
}

// Texts that tempt a YAML writer: words that read as other types, indicators, line ends, characters of several bytes.
rc::Gen<std::string> any_text() {
  auto piece = rc::gen::element<std::string>("a", "null", "true", "~", "1", "0x1", "1e3", ".5", "-", "- ", ":", ": ",
                                             "#", " #", "\n", "\t", " ", "\"", "'", "\\", "{", "]", "*", "&", "!", "%",
                                             "@", "`", "?", "|", ">", "=", "<<", "ä", "\u2028", "\x7f", "\r", "---",
                                             "...", "\x01", "\xF0\x9F\x98\x80", "8GiB", "50%", "tcp/80");
  return rc::gen::map(rc::gen::resize(6, rc::gen::container<std::vector<std::string>>(piece)),
                      [](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const std::string& each : pieces) text += each;
                        return text;
                      });
}

rc::Gen<Value> any_value(int levels) {
  auto scalar =
      rc::gen::oneOf(rc::gen::just(Value()), rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value(b); }),
                     rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t i) { return Value(i); }),
                     rc::gen::map(any_finite(), [](double d) { return Value(d); }),
                     rc::gen::map(any_text(), [](std::string s) { return Value(std::move(s)); }));
  if (levels == 0) return scalar;
  auto below = any_value(levels - 1);
  return rc::gen::oneOf(scalar,
                        rc::gen::map(rc::gen::resize(4, rc::gen::container<Value::List>(below)),
                                     [](Value::List l) { return Value(std::move(l)); }),
                        rc::gen::map(rc::gen::resize(4, rc::gen::container<Value::Map>(any_text(), below)),
                                     [](Value::Map m) { return Value(std::move(m)); }));
}

RC_GTEST_PROP(Value, SurvivesItsOwnBytes, ()) {
  Value value = *any_value(4);
  auto back = decode_value(encode_value(value));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == value);
  RC_ASSERT(encode_value(*back) == encode_value(value));
}

RC_GTEST_PROP(Value, GivesAValueOrAnErrorForAnyBytes, (const std::string& bytes)) {
  auto value = decode_value(bytes);
  if (value) RC_ASSERT(encode_value(*value).size() <= bytes.size());
}

RC_GTEST_PROP(Value, SurvivesBeingPrintedAsYaml, ()) {
  Value value = *any_value(4);
  std::string text = wire::to_yaml(value);
  auto back = wire::parse_yaml(text, "printed");
  if (!back) RC_FAIL(text + back.error().to_string());
  if (!(*back == value)) RC_FAIL(text + wire::to_json(*back) + wire::to_json(value));
}

RC_GTEST_PROP(Value, SurvivesBeingPrintedAsJson, ()) {
  Value value = *any_value(4);
  auto back = wire::parse_json(wire::to_json(value));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == value);
}

RC_GTEST_PROP(Value, DiffersExactlyWhereADiffSaysSo, ()) {
  Value before = *any_value(3);
  Value after = *any_value(3);
  RC_ASSERT(diff(before, before).empty());
  RC_ASSERT(diff(before, after).empty() == (before == after));
  // The other way round it is the same list with its sides changed over.
  auto there = diff(before, after);
  auto back = diff(after, before);
  RC_ASSERT(there.size() == back.size());
  for (std::size_t i = 0; i < there.size(); ++i) {
    RC_ASSERT(there[i].pointer == back[i].pointer);
    RC_ASSERT(there[i].before == back[i].after);
  }
}

RC_GTEST_PROP(TextQuantity, ReadsBackWhatItWrites, ()) {
  auto dimension = static_cast<Dimension>(*rc::gen::inRange(0, 8));
  TextQuantity quantity{.dimension = dimension, .value = std::fabs(*any_finite()), .per = {}};
  if (dimension == Dimension::bytes || dimension == Dimension::duration)
    quantity.value = *rc::gen::inRange(0, 2'000'000'000);
  if (dimension == Dimension::event_rate) quantity.per = 24h;
  std::string text = to_text(quantity);
  auto back = parse_quantity(text, {dimension});
  // Numbers of hundreds of digits are beyond what people write, and refused.
  if (text.size() > 64) return RC_ASSERT(!back.ok());
  if (!back) RC_FAIL(text + ": " + back.error().message);
  if (!(*back == quantity)) RC_FAIL(text);
}

}  // namespace
}  // namespace mien::model
