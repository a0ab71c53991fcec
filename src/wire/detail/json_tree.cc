#include "wire/detail/json_tree.h"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

#include "base/text.h"
#include "wire/detail/tree_builder.h"
#include "wire/yaml.h"

namespace mien::wire::detail {
namespace {

// nlohmann's SAX interface: no recursion of its own, no tree that is built before the limits are known.
class Sax final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return builder_.scalar({}, {}); }
  bool boolean(bool value) override { return builder_.scalar(model::Value(value), {}); }
  bool number_integer(number_integer_t value) override {
    return builder_.scalar(model::Value(std::int64_t{value}), {});
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto largest = static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
    if (value > largest) return builder_.scalar(model::Value(static_cast<double>(value)), {});
    return builder_.scalar(model::Value(static_cast<std::int64_t>(value)), {});
  }
  bool number_float(number_float_t value, const string_t&) override {
    return builder_.scalar(model::Value(double{value}), {});
  }
  bool string(string_t& value) override { return builder_.scalar(model::Value(std::move(value)), {}); }
  bool binary(binary_t&) override { return builder_.fail({}, "binary data"); }
  bool start_object(std::size_t) override { return builder_.start_map({}); }
  bool key(string_t& value) override { return builder_.key(std::move(value), {}); }
  bool end_object() override { return builder_.end(); }
  bool start_array(std::size_t) override { return builder_.start_list({}); }
  bool end_array() override { return builder_.end(); }
  bool parse_error(std::size_t position, const std::string& last_token, const nlohmann::json::exception&) override {
    constexpr std::size_t shown = 40;
    std::string token = last_token.size() > shown ? last_token.substr(last_token.size() - shown) : last_token;
    for (char& c : token)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return builder_.fail({}, cat("this is not JSON: byte ", position, " does not fit, at `", token, '`'));
  }

  Result<model::Value> result() {
    if (!builder_.problem() && builder_.complete()) {
      SourceDocument document = builder_.take();
      if (document.duplicates.empty()) return std::move(document.value);
      return invalid(document.duplicates.front().message);
    }
    return invalid(builder_.problem() ? builder_.problem()->message : std::string("this is not JSON: it ends early"));
  }
  static Error invalid(std::string message) {
    return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
  }

 private:
  TreeBuilder builder_;
};

}  // namespace

Result<model::Value> read_json(std::string_view text) {
  if (text.size() > limits::document_bytes)
    return Sax::invalid(
        cat("the text is ", text.size(), " bytes long; at most ", limits::document_bytes, " are taken"));
  Sax sax;
  try {
    nlohmann::json::sax_parse(text, &sax);
  } catch (const std::exception& error) {
    return Sax::invalid(cat("this is not JSON: ", error.what()));
  }
  return sax.result();
}

}  // namespace mien::wire::detail
